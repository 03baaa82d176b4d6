"""A create as in a first script: it gets a token, sends a POST and prints the id. It checks nothing before or after."""

import json
import os
import sys

import requests

given = json.loads(sys.argv[1])
form = {"grant_type": "client_credentials", "client_id": given["clientId"], "client_secret": given["clientSecret"],
        "scope": given["scopes"]}  # fmt: skip
token = requests.post(os.environ["ADOBE_IMS_URL"] + "/ims/token/v3", data=form, timeout=30).json()["access_token"]
headers = {
    "Authorization": f"Bearer {token}",
    "x-api-key": given["clientId"],
    "x-gw-ims-org-id": given["orgId"],
    "x-sandbox-name": "dev",
}
url = os.environ["ADOBE_PLATFORM_URL"] + "/data/foundation/flowservice/connections"
response = requests.post(url, json=given["connection"], headers=headers, timeout=65)
response.raise_for_status()
print(response.json()["id"])
