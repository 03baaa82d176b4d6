# Sets the names that the pages use, in bash or zsh, from the repository's root:
#   . examples/names.sh aep-connections   a deployed stack, by its name (AWS CLI 2.13 or later)
#   . examples/names.sh local [FILE]      the stack that `make local` runs in another terminal; FILE is the file of
#                                         its `--env` option, if that is not ./local.env
# It also defines `signed`: curl, with a call signed for the HTTP API (curl 7.75 or later).

signed() ( # a subshell, so that exported credentials do not stay in your shell
  if [ -z "${AWS_ACCESS_KEY_ID:-}" ]; then
    exported=$(aws configure export-credentials --format env) || exit 1
    eval "$exported"
  fi
  region=${API#*.execute-api.}
  [ "$region" = "$API" ] && region=$AWS_REGION # the local stack's URL has no Region
  curl --aws-sigv4 "aws:amz:${region%%.*}:execute-api" --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" \
    ${AWS_SESSION_TOKEN:+"-Hx-amz-security-token: $AWS_SESSION_TOKEN"} "$@"
)

_names_of_the_local_stack() {
  if [ ! -f "$1" ]; then
    echo "$1 is missing: run \`make local\` in another terminal, in this folder, and wait until the stack runs." >&2
    return 1
  fi
  case $1 in # without a slash, the shell would look for the file on the PATH
    */*) . "$1" ;;
    *) . "./$1" ;;
  esac
  if ! curl -s -o /dev/null "$API/openapi.json"; then
    echo "The local stack does not respond at $API: run \`make local\` again." >&2
    return 1
  fi
  unset AWS_PROFILE AWS_SESSION_TOKEN
  aws() { command aws --endpoint-url "$AWS_ENDPOINT_URL" "$@"; } # older versions of the AWS CLI ignore the variable
}

_names_of_a_deployed_stack() {
  if [ -n "${ADOBE:-}" ]; then
    echo "This shell has the names of the local stack. Open another terminal for the stack $1." >&2
    return 1
  fi
  local outputs key value
  outputs=$(aws cloudformation describe-stacks --stack-name "$1" \
    --query 'Stacks[0].Outputs[].[OutputKey, OutputValue]' --output text) || {
    echo "No outputs of the stack $1: check its name, your credentials and the Region." >&2
    return 1
  }
  while read -r key value; do
    case $key in
      ApiUrl) export API="$value" ;;
      BusName) export BUS="$value" ;;
      DeadLetterQueueUrl) export DEAD_LETTER_QUEUE_URL="$value" ;;
      FunctionName) export FUNCTION="$value" ;;
      LogGroup) export LOG_GROUP="$value" ;;
      ParameterPrefix) export PARAMETER_PREFIX="$value" ;;
      QueueUrl) export QUEUE_URL="$value" ;;
      ReconcileFunctionName) export RECONCILE_FUNCTION="$value" ;;
      RegistryTable) export REGISTRY_TABLE="$value" ;;
    esac
  done <<OUTPUTS
$outputs
OUTPUTS
  if [ -z "${API:-}" ]; then
    echo "The stack $1 has no output ApiUrl: is it a stack of this application, and is it deployed?" >&2
    return 1
  fi
}

_show_names() {
  printf '%s\n' "API=$API" "BUS=$BUS" "FUNCTION=$FUNCTION" "RECONCILE_FUNCTION=$RECONCILE_FUNCTION" "QUEUE_URL=$QUEUE_URL" \
    "DEAD_LETTER_QUEUE_URL=$DEAD_LETTER_QUEUE_URL" "REGISTRY_TABLE=$REGISTRY_TABLE" "PARAMETER_PREFIX=$PARAMETER_PREFIX"
}

case ${1:-} in
  '')
    echo "Usage: . examples/names.sh STACK (or: local [FILE])" >&2
    false
    ;;
  local) _names_of_the_local_stack "${2:-./local.env}" && _show_names ;;
  *) _names_of_a_deployed_stack "$1" && _show_names ;;
esac
