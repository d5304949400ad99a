-- What becomes of a decision: headers for the upstream, an answer to the client, a record for log plugins.
local kong = kong

local find, format, gsub, lower = string.find, string.format, string.gsub, string.lower

-- Where no decision could be made.
local FAILURE_STATUS = 500
local FAILURE_REASON = "error"
local DENIAL_STATUS = 403

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

-- The decision's own headers. Call after `strip`.
function M.set_headers(decision)
  for _, header in ipairs(decision.headers) do
    if find(header.value, "[\r\n%z]") then error("the value of header `" .. header.name .. "` has a line break or NUL", 0) end
    kong.service.request.set_header(header.name, header.value)
  end
end

local ESCAPES = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t", ["\b"] = "\\b", ["\f"] = "\\f" }

-- Texts come from the bundle, so they are UTF-8.
local function json_string(text)
  return '"' .. gsub(text, '[%z\1-\31"\\]', function(c) return ESCAPES[c] or format("\\u%04x", c:byte()) end) .. '"'
end

-- Visible ASCII; one `?` for each other character.
local function header_text(text) return (gsub(gsub(text, "[%z\1-\31\127]", "?"), "[\194-\244][\128-\191]+", "?")) end

local function is_grpc(line)
  return type(line) == "string" and find(lower(line), "^%s*application/grpc") ~= nil
end

local function asks_for_grpc(headers)
  local lines = headers and rawget(headers, "content-type")
  if type(lines) ~= "table" then return is_grpc(lines) end
  for _, line in ipairs(lines) do
    if is_grpc(line) then return true end
  end
  return false
end

-- Status, body and headers for `kong.response.exit`; `decision` is nil where none could be made. The client learns the
-- reason's short id and the decision's id, and nothing else. A gRPC client gets no `content-type` of ours: Kong writes its
-- own, and makes the body the status message (kong/pdk/response.lua).
function M.denial(decision, decision_id, headers)
  local reason = decision and (decision.policy or decision.outcome) or FAILURE_REASON
  local status = FAILURE_STATUS
  if decision then status = decision.status or DENIAL_STATUS end
  local body = '{"message":' .. json_string(decision and decision.body or reason)
    .. ',"decision_id":' .. json_string(decision_id) .. "}"
  return status, body, {
    ["x-ipe-reason"] = header_text(reason),
    ["x-ipe-decision"] = decision_id,
    ["content-type"] = not asks_for_grpc(headers) and "application/json" or nil,
  }
end

-- What log plugins are told.
function M.record(decision, decision_id, digest, mode)
  return {
    decision = decision and decision.allow and "allow" or "deny",
    decision_id = decision_id,
    policy = decision and decision.policy or "",
    reason = decision and decision.outcome or FAILURE_REASON,
    bundle = digest,
    mode = mode,
  }
end

return M
