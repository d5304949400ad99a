-- What becomes of a decision: headers for the upstream, an answer to the client, a record for log plugins.
local callers = require("kong.plugins.ipe.gateway.caller")
local query = require("kong.plugins.ipe.gateway.query")

local kong = kong

local find, format, gsub, lower = string.find, string.format, string.gsub, string.lower

-- Where no decision could be made.
local FAILURE_STATUS = 500
local FAILURE_REASON = "error"
local DENIAL_STATUS = 403

local NOTHING = {}

local M = {}

-- A header name as many servers compare it.
local function canonical(name) return (gsub(lower(name), "_", "-")) end

-- The names of headers that some policy of the bundle sets, in the spelling in which names are compared.
function M.settable(engine)
  local names = {}
  for _, name in ipairs(engine.header_names) do names[canonical(name)] = true end
  return next(names) and names or nil
end

-- Clients' copies of headers that some policy sets, in every spelling that the client used.
function M.strip(settable, headers)
  if settable == nil then return end
  for name in pairs(headers) do
    if settable[canonical(name)] then kong.service.request.clear_header(name) end
  end
end

-- What the decision does to the request's headers: removed in every spelling that the client used, then set. Call after
-- `strip`.
function M.change_headers(decision, headers)
  if decision.removed[1] then
    local removed = {}
    for _, name in ipairs(decision.removed) do removed[canonical(name)] = true end
    M.strip(removed, headers)
  end
  for _, header in ipairs(decision.headers) do
    if find(header.value, "[\r\n%z]") then error("the value of header `" .. header.name .. "` has a line break or NUL", 0) end
    kong.service.request.set_header(header.name, header.value)
  end
end

-- Clients' copies of query parameters that some policy sets, what the decision removes, and what it sets; without a decision
-- the copies only. The path stays as it is.
function M.change_query(settable, decision)
  local names = query.names_gone(settable, decision)
  if names == nil then return end
  local before = kong.request.get_raw_query()
  local after = query.rewrite(before, decision and decision.query or NOTHING, names)
  if after ~= before then kong.service.request.set_raw_query(after) end
end

-- What the decision tells later plugins and logs, by key; nil for nothing. Others may change it, so it is theirs.
function M.metadata(decision)
  if decision.metadata[1] == nil then return nil end
  local metadata = {}
  for _, own in ipairs(decision.metadata) do metadata[own.name] = own.value end
  return metadata
end

-- Headers of the answer to an allowed request, in the place of the upstream's own.
function M.set_response_headers(headers)
  for _, header in ipairs(headers) do kong.response.set_header(header.name, header.value) end
end

local ESCAPES = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t", ["\b"] = "\\b", ["\f"] = "\\f" }

-- Texts come from the bundle, so they are UTF-8.
local function json_string(text)
  return '"' .. gsub(text, '[%z\1-\31"\\]', function(c) return ESCAPES[c] or format("\\u%04x", c:byte()) end) .. '"'
end

-- Visible ASCII; one `?` for each other character.
local function header_text(text) return (gsub(gsub(text, "[%z\1-\31\127]", "?"), "[\194-\244][\128-\191]+", "?")) end

-- Body and content type as the client understands them, written into `answered`; returns the body. A gRPC client gets no
-- `content-type` of ours: Kong writes its own, and makes the body the status message (kong/pdk/response.lua).
local function in_words_of(asked, status, own_body, reason, decision_id, is_typed, answered)
  local caller = callers.of(asked.headers)
  if caller == "grpc-web" or caller == "grpc-web-text" then
    callers.set_grpc_web(answered, caller, status, own_body or reason)
    return ""
  end
  local type, body = answered["content-type"], own_body
  -- A body whose type the policy says is the policy's alone.
  if not (own_body and is_typed) then
    local message, id = json_string(own_body or reason), json_string(decision_id)
    local call = caller == "http" and not is_typed and callers.json_rpc_id(asked.body) or nil
    type = "application/json"
    body = call and callers.json_rpc_error(call, message, id) or '{"message":' .. message .. ',"decision_id":' .. id .. "}"
  end
  answered["content-type"] = caller ~= "grpc" and type or nil
  return body
end

-- Status, body and headers for `kong.response.exit`; `decision` is nil where none could be made. `asked`: `headers` and `body`
-- of the request, as far as they are known. The client learns the reason's short id and the decision's id, and nothing else.
function M.denial(decision, decision_id, asked)
  local reason = decision and (decision.policy or decision.outcome) or FAILURE_REASON
  local status = FAILURE_STATUS
  if decision then status = decision.status or DENIAL_STATUS end
  local answered = {}
  for _, header in ipairs(decision and decision.answers or NOTHING) do answered[header.name] = header.value end
  local is_typed = answered["content-type"] ~= nil
  local body = in_words_of(asked, status, decision and decision.body, reason, decision_id, is_typed, answered)
  answered["x-ipe-reason"] = header_text(reason)
  answered["x-ipe-decision"] = decision_id
  return status, body, answered
end

-- What log plugins are told. `metadata`: what was carried out, or nil.
function M.record(decision, decision_id, digest, mode, metadata)
  return {
    metadata = metadata,
    decision = decision and decision.allow and "allow" or "deny",
    decision_id = decision_id,
    policy = decision and decision.policy or "",
    reason = decision and decision.outcome or FAILURE_REASON,
    bundle = digest,
    mode = mode,
  }
end

return M
