-- Kong's place in nginx, for tests: the phases of its configuration call `access`, `log` and `fail` here, and `control` takes what a
-- test wants of the requests to come. All of it lives in the one worker that there is.
local cjson = require("cjson.safe")
local pdk = require("pdk")

local M = {}

-- What the test has said last (`control`).
local facts, conf = {}, nil
local handler
local records = { count = 0, last = nil }
-- Whether there is a log plugin behind ours.
local recording = true

local NOTHING = { access = function() end }

-- What the bundled plugin acl knows of a consumer: a list which is a set, too.
package.preload["kong.plugins.acl.groups"] = function()
  return {
    get_consumer_groups = function()
      if facts.groups == nil then return nil end
      local groups = {}
      for i, name in ipairs(facts.groups) do groups[i], groups[name] = name, name end
      return groups
    end,
  }
end

local function put_in_place(name, call)
  local part, method = kong, name
  for step in name:gmatch("([^.]+)%.") do part, method = part[step], name:match("[^.]+$") end
  local old = part[method]
  part[method] = call
  return function() part[method] = old end
end

-- Called in init_by_lua. `name`: the handler's module.
function M.init(name, trusted)
  -- The plugin takes `kong` when it is loaded, as under Kong.
  _G.kong = pdk.new({ trusted = trusted, facts = function() return facts end })
  handler = require(name)
end

-- In each of several workers: a configuration, in JSON, that stays.
function M.configure(text)
  conf = assert(cjson.decode(text))
  pdk.run_configure(kong, handler, { conf })
end

-- The access phase: with the plugin, or with one that does nothing where it is not configured.
function M.access()
  if not pdk.run_access(kong, conf and handler or NOTHING, conf or {}) then return end
  -- What Kong passes on: the path as it came, with the arguments as they are now.
  local target, args = ngx.var.request_uri, ngx.var.args
  local path = target:match("^[^?]*")
  local asks = ngx.var.is_args == "?" or target:sub(-1) == "?"
  ngx.var.upstream_uri = asks and path .. "?" .. (args or "") or path
end

function M.header_filter()
  if conf then pdk.run_header_filter(kong, handler, conf) end
end

function M.access_of_nothing() pdk.run_access(kong, NOTHING, {}) end

-- The log phase: the plugin's, then a log plugin's.
function M.log()
  if conf == nil then return end
  if not recording then return pdk.run_log(kong, handler, conf) end
  local ok, why = pcall(pdk.run_log, kong, handler, conf)
  records.count = records.count + 1
  records.last = { error = not ok and tostring(why) or nil, record = ok and kong.log.serialize() or nil, status = ngx.status }
end

function M.log_of_nothing() pdk.run_log(kong, NOTHING, {}) end

-- What nginx refuses by itself comes here, as in Kong; plugins see only the phases behind.
function M.fail()
  ngx.ctx.KONG_PHASE = "error"
  ngx.ctx.KONG_UNEXPECTED = true
  kong.response.exit(ngx.status, { message = "refused by nginx" })
end

-- What puts functions of Kong's that are broken back in their places.
local undo = {}

-- POST /set: `{ config, facts, break, record }`, each put in the place of the one before where it is given. `config` false takes the plugin
-- away, else it is a new table each time, as in Kong. `facts` are what pdk.lua takes, and `groups` of the consumer. `break` lists
-- functions of Kong's that raise an error from now on. `record`: whether a log plugin runs behind ours. GET /records: how many requests were logged since, and the last.
function M.control()
  ngx.header["content-type"] = "application/json"
  if ngx.var.uri == "/records" then
    ngx.print(pdk.encode({ count = records.count, last = records.last }))
    return
  end
  ngx.req.read_body()
  local wanted = assert(cjson.decode(ngx.req.get_body_data() or "{}"))
  records = { count = 0, last = nil }
  if wanted.record ~= nil then recording = wanted.record end
  if wanted.facts ~= nil then facts = wanted.facts end
  if wanted["break"] ~= nil then
    for _, call in ipairs(undo) do call() end
    undo = {}
    for _, name in ipairs(wanted["break"]) do
      undo[#undo + 1] = put_in_place(name, function() error("broken for a test: " .. name) end)
    end
  end
  if wanted.config ~= nil then
    conf = wanted.config or nil
    pdk.run_configure(kong, handler, conf and { conf } or nil)
  end
  ngx.print("{}")
end

return M
