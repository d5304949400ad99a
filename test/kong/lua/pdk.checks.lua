-- What the stand-in of Kong must do, with a `ngx` that is a table. Prints `ok NAME` or `not ok NAME: WHY` for each check.
local folder = arg[0]:match("^(.*)/[^/]*$")
package.path = folder .. "/?.lua;" .. package.path
local pdk = require("pdk")

local function new_ngx()
  local ngx = { ctx = {}, header = {}, var = { remote_addr = "10.0.0.1", remote_port = "4000", scheme = "http" }, said = {} }
  ngx.ERR, ngx.WARN, ngx.NOTICE, ngx.INFO, ngx.DEBUG = 4, 5, 6, 7, 8
  ngx.logged, ngx.headers = {}, {}
  ngx.log = function(level, ...) ngx.logged[#ngx.logged + 1] = level .. " " .. table.concat({ ... }) end
  ngx.print = function(text) ngx.said[#ngx.said + 1] = text end
  ngx.exit = function(status) ngx.exited = status end
  ngx.req = {
    get_method = function() return "GET" end,
    http_version = function() return ngx.http or 1.1 end,
    get_headers = function(max) ngx.asked = max return ngx.headers end,
    read_body = function() end,
    get_body_data = function() return ngx.body end,
    get_body_file = function() return ngx.body_file end,
    set_header = function(name, value) ngx.headers[name] = value end,
    clear_header = function(name) ngx.headers[name] = nil end,
    start_time = function() return 2 end,
    get_uri_args = function() return {} end,
  }
  ngx.resp = { get_headers = function() return ngx.header end }
  return ngx
end

-- Runs `access` as a plugin; returns what nginx and Kong are left with.
local function run(access, options, set_up)
  options = options or {}
  local ngx = new_ngx()
  if set_up then set_up(ngx) end
  options.ngx = ngx
  local kong = pdk.new(options)
  local goes_on = pdk.run_access(kong, { access = function(_, conf) access(kong, conf, ngx) end }, {})
  return ngx, kong, goes_on
end

local function same(got, want)
  if got ~= want then error(("%s instead of %s"):format(tostring(got), tostring(want)), 2) end
end

local function fails(wanted, call, ...)
  local ok, why = pcall(call, ...)
  if ok then error("no error", 2) end
  if not tostring(why):find(wanted, 1, true) then error(("error %q instead of %q"):format(tostring(why), wanted), 2) end
end

local checks = {}

checks["the query is taken and written as it is"] = function()
  local query
  local ngx = run(function(kong)
    query = kong.request.get_raw_query()
    kong.service.request.set_raw_query("a=%20&b")
    fails("query must be a string", kong.service.request.set_raw_query, nil)
  end, nil, function(ngx)
    ngx.var.args = "x=1&&y"
    ngx.req.set_uri_args = function(args) ngx.written = args end
  end)
  same(query, "x=1&&y")
  same(ngx.written, "a=%20&b")
  run(function(kong) same(kong.request.get_raw_query(), "") end)
end

checks["headers of the answer can be set on the way out, the query no more"] = function()
  local ngx = new_ngx()
  local kong = pdk.new({ ngx = ngx })
  local handler = {}
  function handler.header_filter()
    kong.response.set_header("x-a", "1")
    fails("header_filter", kong.service.request.set_raw_query, "")
  end
  pdk.run_header_filter(kong, handler, {})
  same(ngx.header["x-a"], "1")
  pdk.run_header_filter(kong, {}, {})
end

checks["a plugin that says nothing lets the request go on"] = function()
  local ngx, _, goes_on = run(function() end)
  same(goes_on, true)
  same(ngx.exited, nil)
end

checks["nothing runs behind an exit, in the plugin or in later ones"] = function()
  local ngx = new_ngx()
  local kong = pdk.new({ ngx = ngx })
  local ran = {}
  local function plugin(name, access)
    return { { access = function() ran[#ran + 1] = name access() end }, {} }
  end
  local goes_on = pdk.run_plugins(kong, {
    plugin("first", function() end),
    plugin("second", function()
      -- Yields through a pcall, too.
      pcall(kong.response.exit, 403, { message = "no/1" }, { ["X-A"] = "" })
      ran[#ran + 1] = "behind"
    end),
    plugin("third", function() end),
  })
  same(goes_on, false)
  same(table.concat(ran, " "), "first second")
  same(ngx.status, 403)
  same(ngx.exited, 403)
  same(ngx.said[1], '{"message":"no\\/1"}')
  same(ngx.header["Content-Type"], "application/json; charset=utf-8")
  same(ngx.header["Content-Length"], #ngx.said[1])
  same(ngx.header["X-A"], " ")
end

checks["an error is a 500 and is logged"] = function()
  local ngx, _, goes_on = run(function() error("oops") end)
  same(goes_on, false)
  same(ngx.status, 500)
  same(ngx.said[1], '{"message":"An unexpected error occurred"}')
  assert(ngx.logged[1]:find("oops", 1, true))
end

checks["a text is a body as it is"] = function()
  local ngx = run(function(kong) kong.response.exit(404, "gone", { content_type = "text/plain" }) end)
  same(ngx.said[1], "gone")
  same(ngx.header["Content-Type"], nil)
  same(ngx.header.content_type, "text/plain")
end

checks["gRPC has the message in a header"] = function()
  local ngx = run(function(kong) kong.response.exit(403, { message = "no" }) end, nil, function(ngx)
    ngx.http, ngx.var.content_type = 2, "application/grpc+proto"
  end)
  same(ngx.header["grpc-status"], 7)
  same(ngx.header["grpc-message"], "no")
  same(ngx.said[1], nil)
end

checks["phases are checked"] = function()
  local ngx, kong = run(function(kong) fails("only in: log", kong.log.serialize) end)
  ngx.ctx.KONG_PHASE = "log"
  fails("function cannot be called in log phase", kong.request.get_raw_body)
  fails("function cannot be called in log phase", kong.response.exit, 403)
  fails("function cannot be called in log phase", kong.service.request.set_header, "a", "b")
  same(kong.request.get_method(), "GET")
  pdk.run_configure(kong, {
    configure = function(_, configs)
      fails("function cannot be called in init_worker phase", kong.request.get_method)
      same(configs, nil)
    end,
  })
  same(kong.request.get_method(), "GET")
  local fresh = pdk.new({ ngx = new_ngx() })
  fails("cannot be called in nil phase", fresh.client.get_ip)
end

checks["arguments are checked"] = function()
  run(function(kong)
    fails("max_headers must be <= 1000", kong.request.get_headers, 1001)
    fails("max_headers must be >= 1", kong.request.get_headers, 0)
    fails("max_headers must be a number", kong.request.get_headers, "10")
    fails("header name must be a string", kong.request.get_header, nil)
    fails("code must be a number", kong.response.exit, "403")
    fails("between 100 and 599", kong.response.exit, 600)
    fails("body must be", kong.response.exit, 403, 1)
    fails("headers must be", kong.response.exit, 403, nil, "a")
    fails("invalid header value", kong.response.exit, 403, nil, { a = function() end })
    fails("invalid header name", kong.response.exit, 403, nil, { "a" })
    fails("invalid header value", kong.service.request.set_header, "a", nil)
    fails("invalid header value", kong.service.request.set_header, "a", { "b" })
    fails("invalid header name", kong.service.request.set_header, 1, "b")
    fails("header must be a string", kong.service.request.clear_header, nil)
    fails("invalid header value", kong.service.request.set_headers, { a = { 1 } })
    fails("invalid header value", kong.response.set_header, "a", {})
    fails("key must be a string", kong.log.set_serialize_value, 1, 1)
    fails("mode must be", kong.log.set_serialize_value, "a", 1, { mode = "put" })
  end)
end

checks["an empty header is a space"] = function()
  local ngx = run(function(kong)
    kong.service.request.set_header("a", "")
    kong.service.request.set_headers({ b = { "", "c" }, d = 1 })
  end)
  same(ngx.headers.a, " ")
  same(ngx.headers.b[1], " ")
  same(ngx.headers.d, "1")
end

checks["headers are counted as the plugin says"] = function()
  local ngx = run(function(kong) kong.request.get_headers(1000) end)
  same(ngx.asked, 1000)
  same(run(function(kong) kong.request.get_headers() end).asked, 100)
end

checks["a scheme is believed of trusted peers only"] = function()
  local function scheme(trusted)
    local seen
    run(function(kong) seen = kong.request.get_forwarded_scheme() end, { trusted = trusted }, function(ngx)
      ngx.var.http_X_Forwarded_Proto = "HTTPS"
    end)
    return seen
  end
  same(scheme(nil), "http")
  same(scheme({ "10.0.0.1" }), "https")
  same(scheme(function(ip) return ip ~= "10.0.0.1" end), "http")
end

checks["a body in a file is read up to the length that is asked for"] = function()
  local path = os.tmpname()
  local file = assert(io.open(path, "wb"))
  file:write(("x"):rep(10))
  file:close()
  local function body(max)
    local text, why
    run(function(kong) text, why = kong.request.get_raw_body(max) end, nil, function(ngx) ngx.body_file = path end)
    return text or why
  end
  assert(body(nil):find("did not fit", 1, true))
  same(body(9), "request body file too big: 10 > 9")
  same(body(10), ("x"):rep(10))
  same(body(0), ("x"):rep(10))
  os.remove(path)
  run(function(kong) same(kong.request.get_raw_body(), "") end)
end

checks["facts are of each request"] = function()
  local count = 0
  local options = {
    facts = function()
      count = count + 1
      return { consumer = { id = count }, service = { name = "s" }, shared = { authenticated_groups = { "a" } } }
    end,
  }
  for i = 1, 2 do
    local seen, service, group, credential
    run(function(kong)
      seen, service = kong.client.get_consumer().id, kong.router.get_service().name
      group, credential = kong.ctx.shared.authenticated_groups[1], kong.client.get_credential()
    end, options)
    same(seen, i)
    same(service, "s")
    same(group, "a")
    same(credential, nil)
  end
end

checks["log plugins see what was set"] = function()
  local ngx, kong = run(function(kong)
    kong.ctx.plugin.a = 1
    kong.ctx.shared.b = 2
    kong.log.set_serialize_value("ipe", { decision = "deny" })
    kong.log.set_serialize_value("ipe.policy", "P")
    kong.log.set_serialize_value("ipe.policy", "Q", { mode = "add" })
    kong.log.set_serialize_value("not.there", 1, { mode = "replace" })
  end, nil, function(ngx)
    ngx.headers.authorization = "secret"
    ngx.var.host, ngx.var.server_port, ngx.var.request_uri = "h", "80", "/a"
  end)
  local seen
  local conf = ngx.ctx
  pdk.run_log(kong, { log = function() seen = kong.log.serialize() end }, conf)
  same(seen.ipe.decision, "deny")
  same(seen.ipe.policy, "P")
  same(seen["not"], nil)
  same(seen.request.headers.authorization, "REDACTED")
  same(seen.request.url, "http://h:80/a")
  same(kong.ctx.shared.b, 2)
  -- Another configuration has a table of its own.
  same(kong.ctx.plugin.a, nil)
end

checks["what cannot be serialized is an error in the log phase"] = function()
  local loop = {}
  loop.loop = loop
  local _, kong = run(function(kong) kong.log.set_serialize_value("ipe", loop) end, nil, function(ngx)
    ngx.var.host, ngx.var.server_port, ngx.var.request_uri = "h", "80", "/a"
  end)
  pdk.run_log(kong, { log = function() fails("non-self-referencial", kong.log.serialize) end }, {})
end

for name, check in pairs(checks) do
  local ok, why = pcall(check)
  print(ok and "ok " .. name or ("not ok %s: %s"):format(name, tostring(why)))
end
