-- The plugin `ipe` of Kong: every request is judged by a bundle, in process. Nothing passes without a decision: an error
-- that nobody catches is a 500 of Kong's own, never the upstream.
local answer = require("kong.plugins.ipe.gateway.answer")
local bundles = require("kong.plugins.ipe.gateway.bundles")
local facts = require("kong.plugins.ipe.gateway.facts")
local limits = require("kong.plugins.ipe.gateway.limits")
local query = require("kong.plugins.ipe.gateway.query")

local kong, ngx = kong, ngx
local ipairs, pcall, tostring = ipairs, pcall, tostring

local Plugin = {
  VERSION = "0.1.0",
  -- Behind every plugin of Kong that authenticates (session 1900 to hmac-auth 1030) and acl (950), before rate-limiting
  -- (910) and what changes the request for the upstream (request-transformer 801).
  PRIORITY = 925,
}

-- What is prepared for an engine: which facts are asked for, which headers and query parameters are stripped.
local prepared = setmetatable({}, { __mode = "k" })

local function prepare(engine)
  local known = prepared[engine]
  if known then return known end
  known = {
    facts = facts.plan(engine), settable = answer.settable(engine), settable_query = query.set_of(engine.query_names),
  }
  prepared[engine] = known
  return known
end

-- Loads the bundles of all configurations before the first request. `configs` is nil where there are none.
function Plugin:configure(configs)
  for _, conf in ipairs(configs or {}) do
    local engine, refusal = bundles.engine_for(conf)
    if engine then
      kong.log.notice("bundle ", engine.digest, " is in force")
    else
      kong.log.err("every request will be answered with 500: ", refusal)
    end
  end
end

-- Nothing waits while the engine decides; taking tokens may, behind it.
local function judge(engine, plan, conf, case)
  local request, headers = facts.gather(plan.facts, conf.body_limit)
  case.headers, case.body = headers, request.body
  local decision = engine:decide(request)
  -- A policy that is tried out counts nothing.
  if decision.limits and conf.mode ~= "permissive" then
    decision = limits.settle(decision, limits.dictionary(conf.limits_dict))
  end
  case.decision = decision
end

-- The request goes on: `decision` is carried out, nil where it is only watched. What later phases do is noted last, when nothing
-- can fail any more.
local function pass(plan, decision, case)
  answer.strip(plan.settable, case.headers or ngx.req.get_headers(0))
  if decision then answer.change_headers(decision, case.headers) end
  answer.change_query(plan.settable_query, decision)
  if decision == nil then return end
  case.metadata = answer.metadata(decision)
  if case.metadata then kong.ctx.shared.ipe_metadata = answer.metadata(decision) end
  case.response_headers = decision.response_headers
end

function Plugin:access(conf)
  -- Kong's own id for the request where there is one (3.5 and later), so that its logs and ours agree.
  local case = { id = ngx.var.kong_request_id or ngx.var.request_id }
  kong.ctx.plugin.case = case
  local engine, refusal = bundles.engine_for(conf)
  if engine == nil then
    kong.log.err("no decision can be made: ", refusal)
    return kong.response.exit(answer.denial(nil, case.id, case))
  end
  case.engine = engine
  local plan = prepare(engine)
  local ok, problem = pcall(judge, engine, plan, conf, case)
  if not ok then
    case.decision = nil
    kong.log.err("no decision could be made about ", case.id, ": ", tostring(problem))
  end
  local decision = case.decision
  if conf.mode == "permissive" or (decision ~= nil and decision.allow) then
    return pass(plan, conf.mode ~= "permissive" and decision or nil, case)
  end
  return kong.response.exit(answer.denial(decision, case.id, case))
end

-- Of answers to requests that were not allowed nothing is changed.
function Plugin:header_filter()
  local case = kong.ctx.plugin.case
  if case and case.response_headers then answer.set_response_headers(case.response_headers) end
end

-- Log plugins run behind this one and write what is set here.
function Plugin:log(conf)
  local case = kong.ctx.plugin.case
  if case == nil then return end
  if not conf.log_decisions then
    if case.metadata then kong.log.set_serialize_value("ipe", { metadata = case.metadata }) end
    return
  end
  local digest = case.engine and case.engine.digest or ""
  kong.log.set_serialize_value("ipe", answer.record(case.decision, case.id, digest, conf.mode, case.metadata))
end

return Plugin
