-- What a client understands as a denial: gRPC-Web has statuses of its own, JSON-RPC an error of the call. The same as
-- core/decision/caller.ts.
local json = require("kong.plugins.ipe.request.json")

local byte, find, format, gsub, lower, match, sub = string.byte, string.find, string.format, string.gsub, string.lower,
  string.match, string.sub
local ipairs, rawget, type = ipairs, rawget, type

local M = {}

-- gRPC's PROTOCOL-HTTP2.md and PROTOCOL-WEB.md: the type, then the end, `+` and a format, or parameters.
local KINDS = { ["grpc"] = true, ["grpc-web"] = true, ["grpc-web-text"] = true }

local function kind_of(line)
  if type(line) ~= "string" then return nil end
  local kind, behind = match(lower(line), "^[ \t]*application/(grpc[%w%-]*)(.?)")
  return kind and KINDS[kind] and (behind == "" or find(behind, "[+; \t]") ~= nil) and kind or nil
end

-- `http`, `grpc` (Kong makes a gRPC status of an answer), `grpc-web` or `grpc-web-text`, by the media type of the request;
-- `http` where the headers are not known.
function M.of(headers)
  local lines = headers and rawget(headers, "content-type")
  if type(lines) ~= "table" then return kind_of(lines) or "http" end
  for _, line in ipairs(lines) do
    local kind = kind_of(line)
    if kind then return kind end
  end
  return "http"
end

-- gRPC's http-grpc-status-mapping.md; 2 is UNKNOWN.
local STATUSES = {
  [400] = 13, [401] = 16, [403] = 7, [404] = 12, [429] = 14, [502] = 14, [503] = 14, [504] = 14,
}
local UNKNOWN = 2

local function escape(c) return format("%%%02X", byte(c)) end

-- Writes the headers by which a gRPC-Web client sees a denial: its status without a body. The HTTP status stays that of the
-- denial, which no proxy takes for an allow.
function M.set_grpc_web(answered, caller, status, message)
  answered["content-type"] = "application/" .. caller .. "+proto"
  answered["grpc-status"] = format("%d", STATUSES[status] or UNKNOWN)
  answered["grpc-message"] = gsub(message, "[^ -$&-~]", escape)
end

local tape

-- The member of an object: its node, or nil.
local function member(object, name)
  local child = object + 1
  while child < tape.behind[object] do
    if tape.names[child] == name then return child + 1 end
    child = tape.behind[child]
  end
  return nil
end

local function is_call(node)
  if tape.kind[node] ~= json.OBJECT then return false end
  local version = member(node, "jsonrpc")
  local kind = version and tape.kind[version]
  return (kind == json.STRING or kind == json.ESCAPED) and tape:string(version) == "2.0"
end

local function are_calls(array)
  local child = array + 1
  while child < tape.behind[array] do
    if not is_call(child) then return false end
    child = tape.behind[child]
  end
  return child > array + 1
end

local function id_of(call)
  local id = member(call, "id")
  local kind = id and tape.kind[id]
  if kind == json.NUMBER then return tape:spelling(id) end
  if kind == json.STRING or kind == json.ESCAPED then return sub(tape.text, tape.first[id] - 1, tape.last[id] + 1) end
  return "null"
end

-- Of a body that is a call of JSON-RPC 2.0, or several, the id as it is written in the answer: of several `null`. Nil for anything
-- else.
function M.json_rpc_id(body)
  if type(body) ~= "string" or body == "" then return nil end
  tape = tape or json.new_tape()
  local id
  if tape:scan(body) then
    if tape.kind[1] == json.ARRAY then
      if are_calls(1) then id = "null" end
    elseif is_call(1) then
      id = id_of(1)
    end
  end
  -- A body is not kept.
  tape.text = ""
  return id
end

-- Among the codes that JSON-RPC 2.0, section 5.1, leaves to servers.
local DENIED = -32003

-- The denial as JSON-RPC's error object; `message` and `decision_id` are JSON strings.
function M.json_rpc_error(id, message, decision_id)
  local form = '{"jsonrpc":"2.0","id":%s,"error":{"code":%d,"message":%s,"data":{"decision_id":%s}}}'
  return format(form, id, DENIED, message, decision_id)
end

return M
