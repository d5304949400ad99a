-- What lua-nginx-module gives a plugin (its README), for a plain LuaJIT: one table, behind which the request in hand changes.
local M = {}

local state
local ngx = { null = setmetatable({}, { __tostring = function() return "null" end }) }

-- Starts a request: { method, target, scheme, http_version, start_time, remote_addr, remote_port, variables, headers = a list of
-- { name, value }, body = bytes or nil, body_file = path or nil, read_body_fails = message or nil }.
function M.begin(given)
  state = { given = given, headers = {}, read = false, printed = {}, logged = {} }
  for i, header in ipairs(given.headers) do state.headers[i] = { header[1], header[2] } end
  state.args = (given.target or ""):match("^[^?]*%?(.*)$")
  ngx.ctx, ngx.header, ngx.status, ngx.headers_sent = {}, {}, 0, false
end

-- What became of it: the headers as an upstream reads them (without blanks at the ends: RFC 9110, 5.5), what was printed, lines
-- of the log, whether the body was read, and the query.
function M.finish()
  local headers = {}
  for i, header in ipairs(state.headers) do headers[i] = { header[1], header[2]:match("^[ \t]*(.-)[ \t]*$") } end
  return headers, table.concat(state.printed), state.logged, state.read, state.args
end

local function found(name)
  local lines = {}
  for _, header in ipairs(state.headers) do
    if header[1]:lower() == name then lines[#lines + 1] = header[2] end
  end
  return lines
end

-- Times are not passed: nothing in a test waits that long.
local Dictionary = {}
Dictionary.__index = Dictionary
function Dictionary:get(key) return self.values[key] end
function Dictionary:set(key, value) self.values[key] = value return true, nil, false end
function Dictionary:add(key, value)
  if self.values[key] ~= nil then return false, "exists", false end
  return self:set(key, value)
end
function Dictionary:delete(key) self.values[key] = nil end
ngx.shared = { kong_rate_limiting_counters = setmetatable({ values = {} }, Dictionary) }
function ngx.sleep() end

local VARIABLES = {
  request_uri = function() return state.given.target end,
  -- 32 hexadecimal digits, other ones for each request.
  request_id = function() return state.given.id end,
  scheme = function() return state.given.scheme end,
  remote_addr = function() return state.given.remote_addr end,
  remote_port = function() return state.given.remote_port and tostring(state.given.remote_port) end,
  content_type = function() return found("content-type")[1] end,
  host = function() return found("host")[1] end,
  args = function() return state.args end,
}

ngx.var = setmetatable({}, {
  __index = function(_, name)
    local own = VARIABLES[name]
    if own then return own() end
    local header = name:match("^http_(.*)$")
    if header then return found((header:gsub("_", "-")))[1] end
    return state.given.variables and state.given.variables[name]
  end,
})

local function same(header, name) return header[1]:lower() == name:lower() end

local function without(name)
  local kept = {}
  for _, header in ipairs(state.headers) do
    if not same(header, name) then kept[#kept + 1] = header end
  end
  state.headers = kept
end

ngx.req = {
  get_method = function() return state.given.method end,
  http_version = function() return state.given.http_version end,
  start_time = function() return state.given.start_time end,
  -- Names in lower case; several lines are a list. Without a number 100 of them, with 0 all.
  get_headers = function(max)
    local headers, count = {}, 0
    for _, header in ipairs(state.headers) do
      count = count + 1
      if max ~= 0 and count > (max or 100) then return headers, "truncated" end
      local name, before = header[1]:lower(), nil
      before = headers[name]
      if before == nil then
        headers[name] = header[2]
      elseif type(before) == "table" then
        before[#before + 1] = header[2]
      else
        headers[name] = { before, header[2] }
      end
    end
    return setmetatable(headers, {
      __index = function(own, name) return rawget(own, (tostring(name):lower():gsub("_", "-"))) end,
    })
  end,
  set_header = function(name, value)
    local place
    for i, header in ipairs(state.headers) do
      if same(header, name) then place = place or i end
    end
    without(name)
    local list = type(value) == "table" and value or { value }
    for i, each in ipairs(list) do
      table.insert(state.headers, math.min(place or #state.headers + 1, #state.headers + 1) + i - 1, { name, each })
    end
  end,
  clear_header = without,
  read_body = function()
    if state.given.read_body_fails then error(state.given.read_body_fails) end
    state.read = true
  end,
  get_body_data = function() return state.read and state.given.body or nil end,
  get_body_file = function() return state.read and state.given.body_file or nil end,
  get_uri_args = function() return {} end,
  set_uri_args = function(args) state.args = args end,
}
ngx.resp = { get_headers = function() return ngx.header end }

for level, name in ipairs({ "STDERR", "EMERG", "ALERT", "CRIT", "ERR", "WARN", "NOTICE", "INFO", "DEBUG" }) do ngx[name] = level - 1 end
function ngx.log(level, ...)
  local parts = {}
  for i = 1, select("#", ...) do parts[i] = tostring((select(i, ...))) end
  local line = level .. " " .. table.concat(parts)
  -- Outside of requests there is nobody to keep it.
  if state then state.logged[#state.logged + 1] = line end
end

function ngx.print(...)
  for i = 1, select("#", ...) do state.printed[#state.printed + 1] = (select(i, ...)) end
end

function ngx.exit(status)
  ngx.headers_sent = true
  return status
end

-- Seconds. Tests set them, so that nothing depends on the time of day.
M.time = 1000
function ngx.now() return M.time end

local DIGITS = {}
for i, letter in ipairs({ ("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"):byte(1, 64) }) do
  DIGITS[letter] = i - 1
end

-- As nginx' own ngx_decode_base64: what stands behind the first "=" is not looked at; nil for a letter that is none and for a
-- length that cannot be.
function ngx.decode_base64(text)
  local letters = text:match("^[^=]*")
  if #letters % 4 == 1 then return nil end
  local parts, bits, value = {}, 0, 0
  for i = 1, #letters do
    local digit = DIGITS[letters:byte(i)]
    if digit == nil then return nil end
    value, bits = (value * 64 + digit) % 0x1000000, bits + 6
    if bits >= 8 then
      bits = bits - 8
      parts[#parts + 1] = string.char(math.floor(value / 2 ^ bits) % 256)
    end
  end
  return table.concat(parts)
end

local LETTERS = {}
for letter, digit in pairs(DIGITS) do LETTERS[digit] = string.char(letter) end

function ngx.encode_base64(bytes)
  local parts = {}
  for i = 1, #bytes, 3 do
    local a, b, c = bytes:byte(i, i + 2)
    local word = a * 65536 + (b or 0) * 256 + (c or 0)
    local letters = {}
    for place = 0, 3 do letters[place + 1] = LETTERS[math.floor(word / 64 ^ (3 - place)) % 64] end
    if b == nil then letters[3] = "=" end
    if c == nil then letters[4] = "=" end
    parts[#parts + 1] = table.concat(letters)
  end
  return table.concat(parts)
end

M.ngx = ngx
return M
