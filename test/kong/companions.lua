-- Runs the generated plugins with stand-ins for what Kong and nginx give them.
-- Arguments: the folder of the plugins, a file that returns a list of requests. Prints a line for each request:
-- the snapshot in hex, the names of the headers that are left, the status that the guard answers, the record that is logged.
package.path = arg[1] .. "/?.lua;" .. package.path

local request

-- As lua-cjson writes: bytes above 0x7f as they are, "/" escaped, 14 digits.
local function encode(value)
  local kind = type(value)
  if kind == "string" then
    return '"' .. value:gsub('[%c"\\/\127]', function(c)
      if c == '"' or c == "\\" or c == "/" then
        return "\\" .. c
      end
      return ("\\u%04x"):format(c:byte())
    end) .. '"'
  elseif kind == "number" then
    return ("%.14g"):format(value)
  elseif kind ~= "table" then
    return tostring(value)
  end
  local parts = {}
  if #value > 0 then
    for i, member in ipairs(value) do
      parts[i] = encode(member)
    end
    return "[" .. table.concat(parts, ",") .. "]"
  end
  for name, member in pairs(value) do
    parts[#parts + 1] = encode(name) .. ":" .. encode(member)
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

package.preload["cjson.safe"] = function()
  return {
    encode = encode,
    decode = function(text)
      return { log = text:find('"log":', 1, true) and { said = text } or nil }
    end,
  }
end

local ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
local function base64(bytes)
  local out = {}
  for at = 1, #bytes, 3 do
    local a, b, c = bytes:byte(at, at + 2)
    local n = a * 65536 + (b or 0) * 256 + (c or 0)
    for i = 0, 3 do
      local index = math.floor(n / 64 ^ (3 - i)) % 64 + 1
      local known = i < 2 or (i == 2 and b) or (i == 3 and c)
      out[#out + 1] = known and ALPHABET:sub(index, index) or "="
    end
  end
  return table.concat(out)
end

ngx = {
  null = setmetatable({}, { __tostring = function() return "null" end }),
  var = setmetatable({}, { __index = function(_, name) return request.var[name] end }),
  encode_base64 = base64,
  req = {
    get_headers = function(max)
      assert(max == 1000)
      return request.headers, request.truncated and "truncated" or nil
    end,
    start_time = function() return request.time end,
  },
}

local function fact(name)
  return function() return request[name] end
end

kong = {
  ctx = { shared = {} },
  client = {
    get_forwarded_ip = fact "ip",
    get_forwarded_port = fact "port",
    get_consumer = fact "consumer",
    get_credential = fact "credential",
  },
  router = { get_route = fact "route", get_service = fact "service" },
  log = { set_serialize_value = function(key, value) request.logged = key .. "=" .. value.said end },
  request = {
    get_method = fact "method",
    get_forwarded_scheme = fact "scheme",
    get_http_version = fact "version",
    get_raw_body = function()
      request.asked = true
      return request.body, not request.body and "did not fit" or nil
    end,
  },
  response = {
    exit = function(status, body, headers)
      assert(body.message == "error" and headers["x-ipe-reason"] == "error")
      request.status = status
    end,
  },
  service = { request = { clear_header = function(name) request.cleared[name] = true end } },
}

-- kong/plugins/acl/groups.lua: behind the array stands each group by its name; without the plugin acl it is not there.
package.preload["kong.plugins.acl.groups"] = function()
  return {
    get_consumer_groups = function(id)
      assert(id == request.consumer.id)
      if request.acl_groups == "raises" then
        error("no database")
      end
      if type(request.acl_groups) ~= "table" then
        return nil, "no database"
      end
      local groups = {}
      for i, group in ipairs(request.acl_groups) do
        groups[i] = group
        groups[group] = group
      end
      return groups
    end,
  }
end

local snapshot = require "kong.plugins.ipe-snapshot.handler"
local guard = require "kong.plugins.ipe-guard.handler"
assert(snapshot.PRIORITY == 926 and guard.PRIORITY == 924)

for _, given in ipairs(dofile(arg[2])) do
  request = given
  request.cleared = {}
  kong.ctx.shared = request.shared
  snapshot:access(request.conf)
  kong.ctx.shared.ipe_decision = request.record
  guard:access({})
  snapshot:log()
  local left = {}
  for name in pairs(request.headers) do
    if not request.cleared[name] then
      left[#left + 1] = name
    end
  end
  table.sort(left)
  print(
    (kong.ctx.shared.ipe_snapshot:gsub(".", function(c) return ("%02x"):format(c:byte()) end)),
    table.concat(left, " "),
    request.status or "-",
    request.logged or "-",
    request.asked and "asked" or "-"
  )
end
