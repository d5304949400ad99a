-- What an operator configures. Kong refuses a configuration whose bundle cannot be used, at start and in the Admin API.
local bundles = require("kong.plugins.ipe.gateway.bundles")
local K = require("kong.plugins.ipe.gen.constants")
local limits = require("kong.plugins.ipe.gateway.limits")
local typedefs = require("kong.db.schema.typedefs")

-- A table of its own for each check: what is found out about a configuration that Kong may refuse is not kept.
local function check_bundle(config)
  local engine, refusal = bundles.engine_for({ bundle = config.bundle, bundle_path = config.bundle_path, limits_dict = config.limits_dict })
  if engine == nil then return nil, refusal end
  return true
end

return {
  name = "ipe",
  fields = {
    -- Who calls is for the policy to judge: a consumer has no policy of its own.
    { consumer = typedefs.no_consumer },
    -- http, https, grpc and grpcs.
    { protocols = typedefs.protocols_http },
    { config = {
        type = "record",
        custom_validator = check_bundle,
        fields = {
          { bundle_path = {
              type = "string",
              len_min = 1,
              description = "Path of the bundle (ipe build) on every node that runs this plugin. Either this or bundle.",
          } },
          { bundle = {
              type = "string",
              len_min = 1,
              description = "The bundle itself, in base64. Either this or bundle_path.",
          } },
          { mode = {
              type = "string",
              one_of = { "enforce", "permissive" },
              required = true,
              default = "enforce",
              description = "With permissive, decisions are made and logged, and every request goes on.",
          } },
          { log_decisions = {
              type = "boolean",
              required = true,
              default = true,
              description = "Whether log plugins carry the decision, as the field ipe.",
          } },
          { limits_dict = {
              type = "string",
              len_min = 1,
              required = true,
              default = limits.DICTIONARY,
              description = "The lua_shared_dict in which the workers of this node count what policies limit.",
          } },
          { body_limit = {
              type = "integer",
              between = { 0, K.LIMIT_BODY_BYTES_MAX },
              required = true,
              default = K.LIMIT_BODY_BYTES_MAX,
              description = "Longest body in bytes that a policy reads; a longer one is unknown to it.",
          } },
        },
    } },
  },
  entity_checks = {
    { only_one_of = { "config.bundle", "config.bundle_path" } },
  },
}
