-- What Kong gives a plugin, for tests without Kong: the part of its PDK that plugins of this repository call, and the part of its
-- runloop that calls them. Written from the PDK's documentation as of 3.9 (docs.konghq.com, Plugin Development Kit; the functions'
-- own comments in kong/pdk): what a function takes, gives, refuses, and in which phases it may be called at all.
--
--   local pdk = require("pdk")
--   kong = pdk.new({ facts = function() return { consumer = { id = "1" }, service = { name = "orders" } } end })
--   pdk.run_access(kong, handler, conf)   -- in access_by_lua
--   pdk.run_header_filter(kong, handler, conf)   -- in header_filter_by_lua
--   pdk.run_log(kong, handler, conf)      -- in log_by_lua
--
-- It stands on `ngx` alone, which is nginx's own or one that a test gives:
--   ctx, status, header, headers_sent, var (`http_NAME` for headers, scheme, remote_addr, remote_port, realip_remote_addr,
--   content_type, args; for `serialize` request_uri, host, server_port, server_addr), req.{get_method, http_version, get_headers, read_body,
--   get_body_data, get_body_file, set_header, clear_header, start_time, get_uri_args, set_uri_args}, resp.get_headers, print, exit, log, and the
--   levels ERR, WARN, NOTICE, INFO, DEBUG.
local M = {}

local HEADERS_DEFAULT, HEADERS_MAX = 100, 1000
local UNEXPECTED = "An unexpected error occurred"

-- The phases of a request, with those that only Kong has: `response` (buffered proxying), `error` (nginx's own answers), `admin_api`.
local function phases(...)
  local set = { list = table.concat({ ... }, ", ") }
  for _, name in ipairs({ ... }) do set[name] = true end
  return set
end

local REQUEST = phases("rewrite", "access", "response", "header_filter", "body_filter", "log", "error", "admin_api")
local BODY = phases("rewrite", "access", "response", "error", "admin_api")
local ROUTED = phases("access", "header_filter", "response", "body_filter", "log")
local TO_SERVICE = phases("rewrite", "access")
local TO_SERVICE_OR_BALANCER = phases("rewrite", "access", "balancer")
local TO_CLIENT = phases("rewrite", "access", "response", "header_filter", "error", "admin_api")
local NOTED = phases("rewrite", "access", "header_filter", "response", "body_filter", "log")
local CONNECTION = phases(
  "certificate", "rewrite", "access", "balancer", "response", "header_filter", "body_filter", "log", "preread", "error", "admin_api")

-- Where each function may be called. INVARIANT: every function of `kong` but the loggers is in here; `guard` looks.
M.PHASES = {
  ["client.get_consumer"] = ROUTED,
  ["client.get_credential"] = ROUTED,
  ["client.get_forwarded_ip"] = CONNECTION,
  ["client.get_forwarded_port"] = CONNECTION,
  ["client.get_ip"] = CONNECTION,
  ["client.get_port"] = CONNECTION,
  ["log.serialize"] = phases("log"),
  ["log.set_serialize_value"] = NOTED,
  ["request.get_forwarded_scheme"] = REQUEST,
  ["request.get_header"] = REQUEST,
  ["request.get_headers"] = REQUEST,
  ["request.get_http_version"] = REQUEST,
  ["request.get_method"] = REQUEST,
  ["request.get_path_with_query"] = REQUEST,
  ["request.get_raw_body"] = BODY,
  ["request.get_raw_query"] = REQUEST,
  ["request.get_scheme"] = REQUEST,
  ["request.get_start_time"] = REQUEST,
  ["response.clear_header"] = TO_CLIENT,
  ["response.exit"] = TO_CLIENT,
  ["response.set_header"] = TO_CLIENT,
  ["router.get_route"] = ROUTED,
  ["router.get_service"] = ROUTED,
  ["service.request.clear_header"] = TO_SERVICE,
  ["service.request.set_header"] = TO_SERVICE_OR_BALANCER,
  ["service.request.set_headers"] = TO_SERVICE,
  ["service.request.set_raw_query"] = TO_SERVICE,
}

-- Level 3: the fault is the caller's of a PDK function.
local function check_header_name(name)
  if type(name) ~= "string" then error(("invalid header name %q: got %s, expected string"):format(tostring(name), type(name)), 3) end
end

local function check_header_value(name, value)
  local kind = type(value)
  if kind == "string" or kind == "number" or kind == "boolean" then return end
  error(("invalid header value for %q: got %s, expected string, number or boolean"):format(name, kind), 4)
end

local function check_header(name, value)
  check_header_name(name)
  check_header_value(name, value)
end

-- Of several headers at once a value may be a list of strings, too.
local function check_headers(headers)
  if type(headers) ~= "table" then error("headers must be a table", 3) end
  for name, value in pairs(headers) do
    check_header_name(name)
    if type(value) == "table" then
      for _, each in ipairs(value) do
        if type(each) ~= "string" then
          error(("invalid header value in array %q: got %s, expected string"):format(name, type(each)), 3)
        end
      end
    else
      check_header_value(name, value)
    end
  end
end

-- Kong sets a space where a value is empty, since nginx drops empty ones.
local function header_form(value)
  if type(value) ~= "table" then
    value = tostring(value)
    return value == "" and " " or value
  end
  local list = {}
  for i, each in ipairs(value) do list[i] = each == "" and " " or each end
  return list
end

local function check_count(name, count)
  if type(count) ~= "number" then error(name .. " must be a number", 3) end
  if count < 1 then error(name .. " must be >= 1", 3) end
  if count > HEADERS_MAX then error(name .. " must be <= " .. HEADERS_MAX, 3) end
end

-- As lua-cjson writes: bytes from 0x80 on as they are, "/" escaped, 14 digits.
local function encode(value)
  local kind = type(value)
  if kind == "string" then
    return '"' .. value:gsub('[%c"\\/\127]', function(c)
      if c == '"' or c == "\\" or c == "/" then return "\\" .. c end
      return ("\\u%04x"):format(c:byte())
    end) .. '"'
  end
  if kind == "number" then return ("%.14g"):format(value) end
  if kind == "boolean" then return tostring(value) end
  -- `null` of lua-cjson, and nginx' own.
  if kind == "userdata" then return "null" end
  if kind ~= "table" then error("cannot serialise " .. kind .. ": type not supported") end
  local parts = {}
  if #value > 0 then
    for i, each in ipairs(value) do parts[i] = encode(each) end
    return "[" .. table.concat(parts, ",") .. "]"
  end
  for name, each in pairs(value) do parts[#parts + 1] = encode(tostring(name)) .. ":" .. encode(each) end
  return "{" .. table.concat(parts, ",") .. "}"
end

M.encode = encode

local function trusts(trusted)
  if type(trusted) == "function" then return trusted end
  local known = {}
  for _, ip in ipairs(trusted or {}) do known[ip] = true end
  return function(ip) return known[ip] == true end
end

local function request_of(ngx, client, is_trusted)
  local request = {}

  function request.get_scheme() return ngx.var.scheme end

  function request.get_forwarded_scheme()
    if is_trusted(client.get_ip()) then
      local scheme = request.get_header("X-Forwarded-Proto")
      if scheme then return scheme:lower() end
    end
    return ngx.var.scheme
  end

  function request.get_http_version() return ngx.req.http_version() end

  function request.get_method() return ngx.req.get_method() end

  function request.get_path_with_query() return ngx.var.request_uri or "" end

  -- Without the `?`, as nginx would pass it on.
  function request.get_raw_query() return ngx.var.args or "" end

  -- Milliseconds.
  function request.get_start_time() return ngx.ctx.KONG_PROCESSING_START or ngx.req.start_time() * 1000 end

  -- The first of several lines, `-` and `_` being the same. nginx's variable joins lines with ", " from 1.23 on.
  function request.get_header(name)
    if type(name) ~= "string" then error("header name must be a string", 2) end
    local value = ngx.var["http_" .. name:gsub("-", "_")]
    if not value or not value:find(", ", 1, true) then return value end
    value = ngx.req.get_headers(HEADERS_DEFAULT)[name]
    return type(value) == "table" and value[1] or value
  end

  -- Behind the table "truncated", if there were more.
  function request.get_headers(max)
    if max == nil then return ngx.req.get_headers(HEADERS_DEFAULT) end
    check_count("max_headers", max)
    return ngx.req.get_headers(max)
  end

  -- What is longer than client_body_buffer_size is in a file, which Kong reads (since 3.9) only up to a length that the plugin
  -- names; 0 stands for any length.
  function request.get_raw_body(file_bytes_max)
    ngx.req.read_body()
    local body = ngx.req.get_body_data()
    if body then return body end
    local path = ngx.req.get_body_file()
    if not path then return "" end
    if not file_bytes_max or file_bytes_max < 0 then
      return nil, "request body did not fit into client body buffer, consider raising 'client_body_buffer_size'"
    end
    local file, why = io.open(path, "rb")
    if not file then return nil, ("failed to open cached request body '%s': %s"):format(path, why) end
    local size = file:seek("end") or 0
    if file_bytes_max > 0 and size > file_bytes_max then
      file:close()
      return nil, ("request body file too big: %d > %d"):format(size, file_bytes_max)
    end
    file:seek("set")
    body = file:read("*a")
    file:close()
    return body
  end

  return request
end

-- Addresses behind trusted proxies are nginx's own doing (ngx_http_realip_module), which is why nothing is decided here.
local function client_of(ngx)
  return {
    get_ip = function() return ngx.var.realip_remote_addr or ngx.var.remote_addr end,
    get_forwarded_ip = function() return ngx.var.remote_addr end,
    get_port = function() return tonumber(ngx.var.realip_remote_port or ngx.var.remote_port) end,
    get_forwarded_port = function() return tonumber(ngx.var.remote_port) end,
    get_consumer = function() return ngx.ctx.authenticated_consumer end,
    get_credential = function() return ngx.ctx.authenticated_credential end,
  }
end

local function service_request_of(ngx)
  local request = {}

  function request.set_header(name, value)
    check_header(name, value)
    ngx.req.set_header(name, header_form(value))
  end

  function request.set_headers(headers)
    check_headers(headers)
    for name, value in pairs(headers) do ngx.req.set_header(name, header_form(value)) end
  end

  function request.clear_header(name)
    if type(name) ~= "string" then error("header must be a string", 2) end
    ngx.req.clear_header(name)
  end

  -- As it is, without the `?`.
  function request.set_raw_query(query)
    if type(query) ~= "string" then error("query must be a string", 2) end
    ngx.req.set_uri_args(query)
  end

  return request
end

-- gRPC's status of an HTTP status (grpc/grpc, doc/http-grpc-status-mapping.md, the other way round, as Kong has it).
local GRPC_STATUS = {
  [200] = 0, [400] = 3, [401] = 16, [403] = 7, [404] = 5, [409] = 6, [429] = 8, [499] = 1, [500] = 13, [501] = 12, [503] = 14,
  [504] = 4,
}

local function grpc_status(status)
  if GRPC_STATUS[status] then return GRPC_STATUS[status] end
  local class = math.floor(status / 100) * 100
  return (class == 200 or class == 400 or class == 500) and GRPC_STATUS[class] or 2
end

local function is_grpc_request(ngx)
  local kind = ngx.var.content_type
  return kind ~= nil and kind:find("application/grpc", 1, true) == 1 and ngx.req.http_version() == 2
end

-- gRPC has no body for the message of a denial: it goes into a header.
local function send_grpc(ngx, status, body)
  ngx.header["grpc-status"] = grpc_status(status)
  if type(body) == "table" then body = type(body.message) == "string" and body.message or nil end
  ngx.header["Content-Length"] = 0
  if body ~= nil then ngx.header["grpc-message"] = body end
  ngx.print()
end

local function send(ngx, status, body, headers)
  if ngx.headers_sent then error("headers have already been sent", 2) end
  ngx.status = status
  local given = {}
  for name, value in pairs(headers or {}) do
    local lower = name:lower():gsub("_", "-")
    given[lower] = true
    if lower ~= "transfer-encoding" then ngx.header[name] = header_form(value) end
  end
  if not given["content-type"] and is_grpc_request(ngx) then
    send_grpc(ngx, status, body)
    return ngx.exit(status)
  end
  if type(body) == "table" then
    body = encode(body)
    if not given["content-type"] then ngx.header["Content-Type"] = "application/json; charset=utf-8" end
  end
  if not given["content-length"] then ngx.header["Content-Length"] = body and #body or 0 end
  if body ~= nil then ngx.print(body) end
  return ngx.exit(status)
end

local function response_of(ngx)
  local response = {}

  function response.set_header(name, value)
    if ngx.headers_sent then error("headers have already been sent", 2) end
    check_header(name, value)
    if name:lower():gsub("_", "-") == "transfer-encoding" then return end
    ngx.header[name] = header_form(value)
  end

  function response.clear_header(name)
    if ngx.headers_sent then error("headers have already been sent", 2) end
    if type(name) ~= "string" then error("header name must be a string", 2) end
    ngx.header[name] = nil
  end

  -- While plugins run in access, the answer is only noted and the plugin is left for ever in the middle of this call: nothing
  -- behind it runs, no later plugin either. Elsewhere it is sent at once.
  function response.exit(status, body, headers)
    if ngx.headers_sent then error("headers have already been sent", 2) end
    if type(status) ~= "number" then error("code must be a number", 2) end
    if status < 100 or status > 599 then error("code must be a number between 100 and 599", 2) end
    if body ~= nil and type(body) ~= "string" and type(body) ~= "table" then
      error("body must be a nil, string or table", 2)
    end
    if headers ~= nil and type(headers) ~= "table" then error("headers must be a nil or table", 2) end
    if headers ~= nil then check_headers(headers) end
    local ctx = ngx.ctx
    ctx.KONG_EXITED = true
    if not ctx.delay_response or ctx.delayed_response then return send(ngx, status, body, headers) end
    ctx.delayed_response = { status = status, body = body, headers = headers }
    coroutine.yield()
  end

  return response
end

-- What Kong's `kong.log.serialize` can take: what an encoder of JSON can.
local function is_plain(value, seen)
  local kind = type(value)
  if kind == "nil" or kind == "number" or kind == "string" or kind == "boolean" then return true end
  if kind ~= "table" or seen[value] then return false end
  seen[value] = true
  for key, each in pairs(value) do
    local key_kind = type(key)
    if key_kind ~= "string" and key_kind ~= "number" and key_kind ~= "boolean" then return false end
    if not is_plain(each, seen) then return false end
  end
  return true
end

-- Dots in a key lead into tables.
local function put(root, item)
  if not is_plain(item.value, {}) then
    error("value must be nil, a number, string, boolean or a non-self-referencial table containing numbers, string and booleans", 3)
  end
  local node, rest = root, item.key
  while rest:find(".", 1, true) do
    local name, behind = rest:match("^(.-)%.(.*)$")
    if node[name] == nil then
      if item.mode == "replace" then return end
      node[name] = {}
    end
    if type(node[name]) ~= "table" then
      error(("The key '%s' could not be used as a serialize value. Subkey '%s' is not a table."):format(item.key, name), 3)
    end
    node, rest = node[name], behind
  end
  local is_there = node[rest] ~= nil
  if item.mode == "set" or (item.mode == "add") ~= is_there then node[rest] = item.value end
end

local LEVELS = { err = "ERR", warn = "WARN", notice = "NOTICE", info = "INFO", debug = "DEBUG" }

local function log_of(ngx, request, name)
  local log = {}
  -- As they are now, whatever a test puts in their place.
  local get_method, get_headers, get_start_time = request.get_method, request.get_headers, request.get_start_time
  local has_errlog, errlog = pcall(require, "ngx.errlog")

  for method, level_name in pairs(LEVELS) do
    -- Any values; nil is one, too. Nothing is put together for a level that nginx does not log.
    log[method] = function(...)
      local level = ngx[level_name]
      if has_errlog and level > errlog.get_sys_filter_level() then return end
      local parts = {}
      for i = 1, select("#", ...) do parts[i] = tostring((select(i, ...))) end
      ngx.log(level, "[kong] [", name, "] ", table.concat(parts))
    end
  end

  -- What `value` holds is looked at when it is serialized.
  function log.set_serialize_value(key, value, options)
    local mode = options and options.mode or "set"
    if type(key) ~= "string" then error("key must be a string", 2) end
    if mode ~= "set" and mode ~= "add" and mode ~= "replace" then error("mode must be 'set', 'add' or 'replace'", 2) end
    local ctx = ngx.ctx
    local values = ctx.serialize_values
    if not values then
      values = {
        { key = "request.headers.authorization", value = "REDACTED", mode = "replace" },
        { key = "request.headers.proxy-authorization", value = "REDACTED", mode = "replace" },
      }
      ctx.serialize_values = values
    end
    values[#values + 1] = { key = key, value = value, mode = mode }
  end

  -- What log plugins write of a request, but for sizes and latencies.
  function log.serialize()
    local ctx, var = ngx.ctx, ngx.var
    local credential = ctx.authenticated_credential
    local root = {
      request = {
        uri = var.request_uri,
        url = ("%s://%s:%s%s"):format(var.scheme, var.host, var.server_port, var.request_uri),
        querystring = ngx.req.get_uri_args(HEADERS_DEFAULT),
        method = get_method(),
        headers = get_headers(),
      },
      response = { status = ngx.status, headers = ngx.resp.get_headers() },
      authenticated_entity = credential and { id = credential.id, consumer_id = credential.consumer_id } or nil,
      consumer = ctx.authenticated_consumer,
      route = ctx.route,
      service = ctx.service,
      client_ip = var.remote_addr,
      started_at = get_start_time(),
    }
    for _, item in ipairs(ctx.serialize_values or {}) do put(root, item) end
    return root
  end

  return setmetatable(log, { __call = function(_, ...) return log.notice(...) end })
end

-- Keys of `ngx.ctx` for what is a plugin's: its configuration while it runs (a request may wait while another runs), and what is
-- shared.
local RUNNING, SHARED = {}, {}

-- `shared` lives as long as the request; `plugin` is each configuration's own.
local function ctx_of(ngx)
  return setmetatable({}, {
    __index = function(_, name)
      local ctx = ngx.ctx
      local key = name == "shared" and SHARED or name == "plugin" and ctx[RUNNING] or nil
      if key == nil then return nil end
      if ctx[key] == nil then ctx[key] = {} end
      return ctx[key]
    end,
  })
end

-- Puts the check of the phase before each function.
local function guard(part, prefix, phase_now)
  for name, call in pairs(part) do
    local full = prefix .. "." .. name
    local allowed = M.PHASES[full]
    if type(call) == "function" and not LEVELS[name] then
      assert(allowed, full .. " has no phases")
      part[name] = function(...)
        local phase = phase_now()
        if not allowed[phase] then
          error(("function cannot be called in %s phase (only in: %s)"):format(tostring(phase), allowed.list))
        end
        return call(...)
      end
    end
  end
  return part
end

-- A `kong` for one plugin. Options:
--   ngx       default: the global one
--   name      the plugin's, in log lines; default "ipe"
--   trusted   which peers may say X-Forwarded-*: a function of an address, or a list of them; default none
--   facts     a function, asked once for each request, of what Kong and the plugins before have found out:
--             { consumer, credential, route, service, shared }; `shared` is put into kong.ctx.shared, where the bundled `acl` looks for
--             `authenticated_groups` and `jwt` leaves `authenticated_jwt_token`
function M.new(options)
  options = options or {}
  local ngx = options.ngx or _G.ngx
  -- The phase outside of requests.
  local outside = { phase = nil }
  local function phase_now() return outside.phase or ngx.ctx.KONG_PHASE end

  local client = client_of(ngx)
  local request = request_of(ngx, client, trusts(options.trusted))
  local log = log_of(ngx, request, options.name or "ipe")
  local kong = {
    client = client,
    ctx = ctx_of(ngx),
    log = log,
    request = request,
    response = response_of(ngx),
    router = {
      get_route = function() return ngx.ctx.route end,
      get_service = function() return ngx.ctx.service end,
    },
    service = { request = service_request_of(ngx) },
    version = "3.9.3",
    version_num = 3009003,
  }
  -- The functions above call each other unguarded where Kong checks once.
  for _, part in ipairs({ "client", "log", "request", "response", "router" }) do guard(kong[part], part, phase_now) end
  guard(kong.service.request, "service.request", phase_now)
  kong.stand_in = { ngx = ngx, outside = outside, facts = options.facts or function() return {} end }
  return kong
end

local function learn(kong, ctx)
  local facts = kong.stand_in.facts()
  ctx.authenticated_consumer, ctx.authenticated_credential = facts.consumer, facts.credential
  ctx.route, ctx.service = facts.route, facts.service
  for name, value in pairs(facts.shared or {}) do kong.ctx.shared[name] = value end
end

-- The start of the access phase, for who calls functions of a plugin one by one.
function M.learn(kong)
  local ctx = kong.stand_in.ngx.ctx
  ctx.KONG_PHASE = "access"
  learn(kong, ctx)
end

-- Plugins in order, each `{ handler, conf }`. The first that exits or fails ends it; its answer is sent when all had their chance.
-- Returns true when the request goes on to the upstream.
function M.run_plugins(kong, plugins)
  local ngx = kong.stand_in.ngx
  local ctx = ngx.ctx
  ctx.KONG_PHASE = "access"
  learn(kong, ctx)
  ctx.delay_response = true
  for _, plugin in ipairs(plugins) do
    ctx[RUNNING] = plugin[2]
    local thread = coroutine.create(plugin[1].access)
    local ok, why = coroutine.resume(thread, plugin[1], plugin[2])
    if not ok then
      kong.log.err(why)
      ctx.KONG_UNEXPECTED = true
      -- Kong's own answer depends on Accept and has the request's id, too.
      ctx.delayed_response = { status = 500, body = { message = UNEXPECTED } }
    end
    if ctx.delayed_response then break end
  end
  ctx.delay_response = nil
  local answer = ctx.delayed_response
  if answer == nil then return true end
  send(ngx, answer.status, answer.body, answer.headers)
  return false
end

-- The access phase with one plugin.
function M.run_access(kong, handler, conf) return M.run_plugins(kong, { { handler, conf } }) end

-- Headers of the answer are about to be sent, whoever answers: it runs for what plugins and Kong itself answer, too.
function M.run_header_filter(kong, handler, conf)
  local ctx = kong.stand_in.ngx.ctx
  ctx.KONG_PHASE, ctx[RUNNING] = "header_filter", conf
  if handler.header_filter then handler:header_filter(conf) end
end

-- The log phase, which runs whatever access came to. An error of the handler is the caller's to see: Kong lets nginx log it.
function M.run_log(kong, handler, conf)
  local ctx = kong.stand_in.ngx.ctx
  ctx.KONG_PHASE, ctx[RUNNING] = "log", conf
  if handler.log then handler:log(conf) end
end

-- What Kong does when its configuration has changed, outside of requests: `configs` are all of the plugin, or nil for none.
function M.run_configure(kong, handler, configs)
  if not handler.configure then return end
  local outside = kong.stand_in.outside
  outside.phase = "init_worker"
  local ok, why = pcall(handler.configure, handler, configs)
  outside.phase = nil
  if not ok then error(why, 0) end
end

return M
