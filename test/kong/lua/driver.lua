-- The plugin `ipe` in a plain LuaJIT, with stand-ins for what Kong and nginx give it. A line of JSON in, a line of JSON out;
-- bytes are base64 in questions and hexadecimal digits in answers.
--
--   { "configure": CONFIG, "unchecked": true or left out }  -> { "error": null, or why Kong refuses it }
--   { "request": REQUEST }                                  -> what became of it
--   { "request": REQUEST, "times": N }                      -> { "kilobytes": what is kept after N such requests }
--   { "request": REQUEST, "keys": [...] }                   -> { "texts": by key a text in hexadecimal digits, false for what is
--                                                              undelivered, left out for what is absent }
--   { "time": SECONDS }                                     -> {}; what `ngx.now` says
--   { "describe": true }                                    -> { "priority": N, "version": TEXT, "phases": [...] }
--
-- A CONFIG that is refused leaves the one before in force; "unchecked" puts one in force that Kong would refuse, as if the file
-- had changed behind Kong's back.
local lines = require("lines")
local nginx = require("ngx")
local pdk = require("pdk")
local schema_of = require("schema")

local bytes_of, quoted = lines.bytes_of, lines.quoted

rawset(_G, "ngx", nginx.ngx)
local given
rawset(_G, "kong", pdk.new({ ngx = nginx.ngx, facts = function() return given.facts or {} end }))

package.preload["kong.db.schema.typedefs"] = function()
  return { no_consumer = { type = "foreign", eq = nginx.ngx.null }, protocols_http = { type = "set" } }
end
package.preload["kong.plugins.acl.groups"] = function()
  return {
    -- Of the one consumer that there is. An array, in which each is by its name, too.
    get_consumer_groups = function(consumer_id)
      assert(type(consumer_id) == "string")
      local groups = given.acl_groups
      if type(groups) ~= "table" then return groups, "the database is gone" end
      for i = 1, #groups do groups[groups[i]] = groups[i] end
      return groups
    end,
  }
end

local extensions_of = require("kong.plugins.ipe.gateway.extensions")
local handler = require("kong.plugins.ipe.handler")
local undelivered = require("kong.plugins.ipe.request.neutral").undelivered
local schema = require("kong.plugins.ipe.schema")
local conf

local function hex(text) return (text:gsub(".", function(c) return ("%02x"):format(c:byte()) end)) end

local function configured(asked)
  local made, problem = schema_of.filled(schema, asked.configure), nil
  if not asked.unchecked then made, problem = schema_of.check(schema, asked.configure) end
  if made then
    pdk.run_configure(kong, handler, { made })
    conf = made
  end
  return '{"error":' .. quoted(problem) .. "}"
end

local function pairs_of(list)
  local made = {}
  for i = 1, #list, 2 do made[#made + 1] = { bytes_of(list[i]), bytes_of(list[i + 1]) } end
  return made
end

-- `fails`: names of functions that raise an error, with its text.
local function with_failures(fails, run)
  local kept = {}
  for path, message in pairs(fails or {}) do
    local part, name = _G, path
    while name:find(".", 1, true) do
      local first, rest = name:match("^(.-)%.(.*)$")
      part, name = part[first], rest
    end
    kept[#kept + 1] = { part, name, part[name] }
    part[name] = function() error(message, 0) end
  end
  local ok, result = pcall(run)
  for _, each in ipairs(kept) do each[1][each[2]] = each[3] end
  return ok, result
end

local function log_record()
  pdk.run_log(kong, handler, conf)
  return kong.log.serialize().ipe
end

local function json_of(record)
  if type(record) ~= "table" then return "null" end
  local parts = {}
  for name, value in pairs(record) do
    if type(value) ~= "table" then parts[#parts + 1] = quoted(name) .. ":" .. quoted(tostring(value)) end
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

local function staged(request)
  request.headers = pairs_of(request.headers)
  for _, name in ipairs({ "method", "target", "body" }) do request[name] = request[name] and bytes_of(request[name]) end
  return request
end

local function repeated(request, times)
  given = staged(request)
  for i = 1, times do
    given.id = ("%032x"):format(i)
    nginx.begin(given)
    pdk.run_access(kong, handler, conf)
    pdk.run_log(kong, handler, conf)
  end
  nginx.begin(given)
  collectgarbage()
  collectgarbage()
  return ('{"kilobytes":%d}'):format(collectgarbage("count"))
end

local function texts_of(request, keys)
  given = staged(request)
  nginx.begin(given)
  pdk.learn(kong)
  local extensions, parts = extensions_of(keys), {}
  for _, key in ipairs(keys) do
    local text = extensions[key]
    if text ~= nil then
      parts[#parts + 1] = quoted(key) .. ":" .. (text == undelivered and "false" or quoted(hex(text)))
    end
  end
  return '{"texts":{' .. table.concat(parts, ",") .. "}}"
end

-- Headers are on the way: nothing is sent yet, not even what the plugin itself answers.
local function answered_by_upstream(headers)
  nginx.ngx.headers_sent = false
  for name, value in pairs(headers) do nginx.ngx.header[name] = value end
end

local function judged(request)
  given = staged(request)
  nginx.begin(given)
  local passes
  local ok, problem = with_failures(request.fails, function()
    passes = pdk.run_access(kong, handler, conf)
    answered_by_upstream(passes and given.answer or {})
    pdk.run_header_filter(kong, handler, conf)
  end)
  if not ok then error(problem, 0) end
  local record, shared = log_record(), kong.ctx.shared.ipe_metadata
  local upstream, body, logged, body_read, query = nginx.finish()
  local left, answers, log = {}, {}, {}
  for i, header in ipairs(upstream) do left[i] = quoted(hex(header[1]:lower())) .. "," .. quoted(hex(header[2])) end
  for name, value in pairs(nginx.ngx.header) do answers[#answers + 1] = quoted(name:lower()) .. ":" .. quoted(hex(tostring(value))) end
  for i, line in ipairs(logged) do log[i] = quoted(hex(line)) end
  local form = '{"passes":%s,"upstream":[%s],"status":%d,"headers":{%s},"body":%s,"record":%s,"log":[%s],"body_read":%s,'
    .. '"query":%s,"metadata":%s,"shared":%s}'
  return form:format(
    tostring(passes), table.concat(left, ","), nginx.ngx.status, table.concat(answers, ","), quoted(hex(body)), json_of(record),
    table.concat(log, ","), tostring(body_read), quoted(query and hex(query)), json_of(record and record.metadata),
    json_of(shared)
  )
end

local function described()
  local phases = {}
  for name, member in pairs(handler) do
    if type(member) == "function" then phases[#phases + 1] = quoted(name) end
  end
  table.sort(phases)
  return ('{"priority":%d,"version":%s,"phases":[%s]}'):format(handler.PRIORITY, quoted(handler.VERSION), table.concat(phases, ","))
end

lines.serve(function(asked)
  if asked.configure then return configured(asked) end
  if asked.keys then return texts_of(asked.request, asked.keys) end
  if asked.times then return repeated(asked.request, asked.times) end
  if asked.request then return judged(asked.request) end
  if asked.time then
    nginx.time = asked.time
    return "{}"
  end
  return described()
end)
