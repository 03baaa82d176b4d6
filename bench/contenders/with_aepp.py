"""The same create with Adobe's `aepp`. Its endpoints can be changed only in its module state, after `configure`."""

import json
import os
import sys

import aepp
from aepp import flowservice

given = json.loads(sys.argv[1])
aepp.configure(
    org_id=given["orgId"],
    client_id=given["clientId"],
    secret=given["clientSecret"],
    scopes=given["scopes"],
    sandbox="dev",
)
aepp.config.endpoints["global"] = os.environ["ADOBE_PLATFORM_URL"]
aepp.config.config_object["oauthTokenEndpointV2"] = os.environ["ADOBE_IMS_URL"] + "/ims/token/v3"
print(flowservice.FlowService().createConnection(data=given["connection"])["id"])
