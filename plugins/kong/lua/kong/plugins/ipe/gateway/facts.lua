-- What Kong and nginx say about the request in hand, as a neutral request (request/neutral.lua).
--
--   path        `$request_uri`, as the client sent it; Kong's `get_path` is normalised
--   host        the header `host`, by which Kong's router chooses the route; several lines are undelivered. nginx' `$host`
--               is another one where the target is in absolute form
--   source      `get_forwarded_ip` and `get_forwarded_port`: what `trusted_ips` and `real_ip_header` make of them
--   headers     all of them. lua-nginx-module tells 100 where it is not asked for more, and the limits of nginx hold anyway
--               (large_client_header_buffers)
--   body        all of it or nothing, also where nginx has put it into a file
--   connection  nginx' variables. A client certificate that did not verify says neither yes nor no
local extensions_of = require("kong.plugins.ipe.gateway.extensions")
local K = require("kong.plugins.ipe.gen.constants")
local number = require("kong.plugins.ipe.request.number")
local undelivered = require("kong.plugins.ipe.request.neutral").undelivered

local kong, ngx = kong, ngx
local floor, rawget = math.floor, rawget

local ALL = 0

local M = {}

-- What an empty variable of nginx says is not known.
local function told(fact)
  if fact == nil or fact == "" then return undelivered end
  return fact
end

-- Where an empty variable says that there is none.
local function told_or_none(fact)
  if fact == "" then return nil end
  return fact
end

local function port(fact)
  local value = tonumber(fact)
  if value == nil or value < 1 or value > 65535 then return undelivered end
  return value
end

local PROTOCOLS = { [1] = "HTTP/1.0", [1.1] = "HTTP/1.1", [2] = "HTTP/2", [3] = "HTTP/3" }

local function mutual_tls(verified)
  if verified == "SUCCESS" then return true end
  if verified == nil or verified == "" or verified == "NONE" then return false end
  return undelivered
end

-- By the name of a builtin: writes the fact into the request. Only those that a bundle reads are asked for.
local ASK = {
  ["request.scheme"] = function(request) request.scheme = told(kong.request.get_forwarded_scheme()) end,
  ["request.protocol"] = function(request) request.protocol = PROTOCOLS[kong.request.get_http_version()] or undelivered end,
  -- nginx counts whole milliseconds; as seconds they are a fraction that no double holds exactly.
  ["request.time"] = function(request) request.time = floor(ngx.req.start_time() * 1000 + 0.5) end,
  ["source.ip"] = function(request) request.source.ip = told(kong.client.get_forwarded_ip()) end,
  ["source.port"] = function(request) request.source.port = port(kong.client.get_forwarded_port()) end,
  ["destination.ip"] = function(request) request.destination.ip = told(ngx.var.server_addr) end,
  ["destination.port"] = function(request) request.destination.port = port(ngx.var.server_port) end,
  ["connection.mtls"] = function(request) request.connection.mtls = mutual_tls(ngx.var.ssl_client_verify) end,
  ["connection.tls_version"] = function(request) request.connection.tls_version = told_or_none(ngx.var.ssl_protocol) end,
  ["connection.requested_server_name"] = function(request)
    request.connection.requested_server_name = told_or_none(ngx.var.ssl_server_name)
  end,
}

-- What is asked for a bundle: made once for each engine.
function M.plan(engine)
  local plan = {
    asks = {}, keys = {}, headers = engine.header_names_read, body = engine.reads_body, size = false,
    source = false, destination = false, connection = false,
  }
  for _, slot in ipairs(engine.reads) do
    if slot.source == "builtin" then
      plan.asks[#plan.asks + 1] = ASK[slot.name]
      if slot.name == "request.size" then plan.size = true end
      local group = slot.name:match("^(%a+)%.")
      if plan[group] == false then plan[group] = true end
    elseif slot.source == "extension" then
      plan.keys[#plan.keys + 1] = slot.argument
    end
  end
  return plan
end

-- INVARIANT: what lua-nginx-module gives is only asked with `rawget`. Asked for a name that is not there, it looks for one with
-- hyphens instead of underscores, which is another header here.

local function add_line(lines, name, value)
  -- `true` is a header without a value.
  lines[#lines + 1] = { name = name, value = value == true and "" or value }
end

-- The lines of the names that are read; `headers`: by name in lower case a text, or a list of texts.
local function lines_of(headers, names)
  local lines = {}
  for name in pairs(names) do
    local values = rawget(headers, name)
    if type(values) == "table" then
      for i = 1, #values do add_line(lines, name, values[i]) end
    elseif values ~= nil then
      add_line(lines, name, values)
    end
  end
  return lines
end

local function host_of(headers)
  local host = rawget(headers, "host")
  if type(host) == "table" then return undelivered end
  if host == true then return "" end
  return host
end

-- The size that a `content-length` announces: nil where there is none, undelivered where nobody can tell.
local function announced_size(headers)
  local line = rawget(headers, "content-length")
  if line == nil then return nil end
  local size = type(line) == "string" and number.read_int(line) or nil
  if size == nil or size < 0 or line:sub(1, 1) == "-" then return undelivered end
  return size
end

-- A body that nginx has put into a file, up to the limit; nil where it is longer or cannot be read.
local function body_in_file(limit)
  local path = ngx.req.get_body_file()
  if path == nil then return nil end
  local file = io.open(path, "rb")
  if file == nil then return nil end
  local bytes = file:read(limit + 1)
  file:close()
  return bytes and #bytes <= limit and bytes or nil
end

-- All of the body, "" where there is none, or undelivered. One that announces itself as too long is not waited for.
local function body_up_to(limit, announced)
  if type(announced) == "number" and announced > limit then return undelivered end
  -- From lua-nginx-module 0.10.26 on (Kong 3.6) this is an error for HTTP/2 without a `content-length`: nobody can tell then
  -- when a body ends (Kong/kong#12604).
  if not pcall(ngx.req.read_body) then return undelivered end
  local body = ngx.req.get_body_data()
  if body == nil then
    -- Neither in memory nor in a file: there is none.
    if ngx.req.get_body_file() == nil then return "" end
    body = body_in_file(limit)
  end
  if body == nil or #body > limit then return undelivered end
  -- The longest one only where it is announced, as everywhere (docs/request.md, section 7).
  if #body == K.LIMIT_BODY_BYTES_MAX and announced ~= #body then return undelivered end
  return body
end

local function load_body(request, plan, announced, limit)
  local body = undelivered
  if plan.body or (plan.size and announced == nil) then body = body_up_to(limit, announced) end
  request.body = body
  request.size = announced
  if announced == nil then request.size = body == undelivered and undelivered or #body end
end

local function peer() return { ip = undelivered, port = undelivered, principal = undelivered } end

local function connection()
  return {
    mtls = undelivered,
    requested_server_name = undelivered,
    tls_version = undelivered,
    subject_peer_certificate = undelivered,
    uri_san_peer_certificate = undelivered,
    dns_san_peer_certificate = undelivered,
    sha256_peer_certificate_digest = undelivered,
  }
end

-- For bundles that read nothing of them: never written to.
local NOBODY, NOWHERE = peer(), connection()

-- The neutral request, and the headers as lua-nginx-module gives them. May wait for the body and for Kong's cache.
function M.gather(plan, body_limit)
  local headers = ngx.req.get_headers(ALL)
  local request = {
    method = told(kong.request.get_method()),
    target = told(ngx.var.request_uri),
    host = host_of(headers),
    headers = lines_of(headers, plan.headers),
    source = plan.source and peer() or NOBODY,
    destination = plan.destination and peer() or NOBODY,
    connection = plan.connection and connection() or NOWHERE,
    scheme = undelivered,
    protocol = undelivered,
    time = undelivered,
  }
  for _, ask in ipairs(plan.asks) do ask(request) end
  load_body(request, plan, announced_size(headers), body_limit)
  request.extensions = extensions_of(plan.keys)
  return request, headers
end

return M
