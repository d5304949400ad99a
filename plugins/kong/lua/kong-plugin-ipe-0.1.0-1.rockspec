-- Installs the plugin with LuaRocks: `luarocks make` in this folder. Kong loads it from `lua_package_path` as well.
rockspec_format = "3.0"
package = "kong-plugin-ipe"
version = "0.1.0-1"
source = {
  -- Made from the folder that this file is in; there is no archive to fetch.
  url = "file://.",
}
description = {
  summary = "Judges every request by a policy bundle of IPE Mesh, in process.",
  license = "Apache-2.0",
}
dependencies = {
  "lua >= 5.1, < 5.2",
}
build = {
  type = "builtin",
  modules = {
    ["kong.plugins.ipe.bytes"] = "kong/plugins/ipe/bytes.lua",
    ["kong.plugins.ipe.engine"] = "kong/plugins/ipe/engine.lua",
    ["kong.plugins.ipe.gateway.answer"] = "kong/plugins/ipe/gateway/answer.lua",
    ["kong.plugins.ipe.gateway.bundles"] = "kong/plugins/ipe/gateway/bundles.lua",
    ["kong.plugins.ipe.gateway.extensions"] = "kong/plugins/ipe/gateway/extensions.lua",
    ["kong.plugins.ipe.gateway.facts"] = "kong/plugins/ipe/gateway/facts.lua",
    ["kong.plugins.ipe.gateway.limits"] = "kong/plugins/ipe/gateway/limits.lua",
    ["kong.plugins.ipe.gen.constants"] = "kong/plugins/ipe/gen/constants.lua",
    ["kong.plugins.ipe.gen.targets"] = "kong/plugins/ipe/gen/targets.lua",
    ["kong.plugins.ipe.handler"] = "kong/plugins/ipe/handler.lua",
    ["kong.plugins.ipe.load"] = "kong/plugins/ipe/load.lua",
    ["kong.plugins.ipe.request.address"] = "kong/plugins/ipe/request/address.lua",
    ["kong.plugins.ipe.request.body"] = "kong/plugins/ipe/request/body.lua",
    ["kong.plugins.ipe.request.builtins"] = "kong/plugins/ipe/request/builtins.lua",
    ["kong.plugins.ipe.request.cells"] = "kong/plugins/ipe/request/cells.lua",
    ["kong.plugins.ipe.request.cookies"] = "kong/plugins/ipe/request/cookies.lua",
    ["kong.plugins.ipe.request.headers"] = "kong/plugins/ipe/request/headers.lua",
    ["kong.plugins.ipe.request.json"] = "kong/plugins/ipe/request/json.lua",
    ["kong.plugins.ipe.request.json_values"] = "kong/plugins/ipe/request/json_values.lua",
    ["kong.plugins.ipe.request.load"] = "kong/plugins/ipe/request/load.lua",
    ["kong.plugins.ipe.request.neutral"] = "kong/plugins/ipe/request/neutral.lua",
    ["kong.plugins.ipe.request.normalize"] = "kong/plugins/ipe/request/normalize.lua",
    ["kong.plugins.ipe.request.number"] = "kong/plugins/ipe/request/number.lua",
    ["kong.plugins.ipe.request.query"] = "kong/plugins/ipe/request/query.lua",
    ["kong.plugins.ipe.request.resources"] = "kong/plugins/ipe/request/resources.lua",
    ["kong.plugins.ipe.request.target"] = "kong/plugins/ipe/request/target.lua",
    ["kong.plugins.ipe.request.time"] = "kong/plugins/ipe/request/time.lua",
    ["kong.plugins.ipe.request.values"] = "kong/plugins/ipe/request/values.lua",
    ["kong.plugins.ipe.runtime.decide"] = "kong/plugins/ipe/runtime/decide.lua",
    ["kong.plugins.ipe.runtime.header_sets"] = "kong/plugins/ipe/runtime/header_sets.lua",
    ["kong.plugins.ipe.runtime.limit_keys"] = "kong/plugins/ipe/runtime/limit_keys.lua",
    ["kong.plugins.ipe.runtime.operations"] = "kong/plugins/ipe/runtime/operations.lua",
    ["kong.plugins.ipe.runtime.text_search"] = "kong/plugins/ipe/runtime/text_search.lua",
    ["kong.plugins.ipe.runtime.translate"] = "kong/plugins/ipe/runtime/translate.lua",
    ["kong.plugins.ipe.schema"] = "kong/plugins/ipe/schema.lua",
    ["kong.plugins.ipe.sha256"] = "kong/plugins/ipe/sha256.lua",
    ["kong.plugins.ipe.verify.computed"] = "kong/plugins/ipe/verify/computed.lua",
    ["kong.plugins.ipe.verify.container"] = "kong/plugins/ipe/verify/container.lua",
    ["kong.plugins.ipe.verify.explain"] = "kong/plugins/ipe/verify/explain.lua",
    ["kong.plugins.ipe.verify.instructions"] = "kong/plugins/ipe/verify/instructions.lua",
    ["kong.plugins.ipe.verify.limits"] = "kong/plugins/ipe/verify/limits.lua",
    ["kong.plugins.ipe.verify.operands"] = "kong/plugins/ipe/verify/operands.lua",
    ["kong.plugins.ipe.verify.policies"] = "kong/plugins/ipe/verify/policies.lua",
    ["kong.plugins.ipe.verify.reads"] = "kong/plugins/ipe/verify/reads.lua",
    ["kong.plugins.ipe.verify.refusal"] = "kong/plugins/ipe/verify/refusal.lua",
    ["kong.plugins.ipe.verify.remembered"] = "kong/plugins/ipe/verify/remembered.lua",
    ["kong.plugins.ipe.verify.resources"] = "kong/plugins/ipe/verify/resources.lua",
    ["kong.plugins.ipe.verify.section_rows"] = "kong/plugins/ipe/verify/section_rows.lua",
    ["kong.plugins.ipe.verify.slots"] = "kong/plugins/ipe/verify/slots.lua",
    ["kong.plugins.ipe.verify.structure"] = "kong/plugins/ipe/verify/structure.lua",
    ["kong.plugins.ipe.verify.types"] = "kong/plugins/ipe/verify/types.lua",
    ["kong.plugins.ipe.verify.values"] = "kong/plugins/ipe/verify/values.lua",
  },
}
