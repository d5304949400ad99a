-- Method, target and host (docs/request.md, section 3): what of them is valid, and the parts.
local address = require("kong.plugins.ipe.request.address")
local bytes_of = require("kong.plugins.ipe.bytes")
local normalize = require("kong.plugins.ipe.request.normalize")
local K = require("kong.plugins.ipe.gen.constants")

local byte, find, sub = string.byte, string.find, string.sub
local PATH_BYTES_MAX = K.LIMIT_PATH_BYTES_MAX
local PORT_MAX = 65535

local M = {}

local function is_within(text) return type(text) == "string" and text ~= "" and #text <= PATH_BYTES_MAX end

-- The method, or nil where it is none.
function M.read_method(method)
  return is_within(method) and bytes_of.is_token(method) and method or nil
end

-- No empty segment but a last one, no `.` and no `..`. The path is decoded, so `%2e` is a dot here.
local function segments_are_proper(path)
  local slashes = path .. "/"
  return not (find(path, "//", 1, true) or find(slashes, "/./", 1, true) or find(slashes, "/../", 1, true))
end

-- The path and the path decoded, or nil where it is invalid. No escape yields a `/`.
local function decode_path(path, mode)
  if byte(path, 1) ~= 0x2f or find(path, "[^!-~]") or find(path, ";", 1, true) then return nil end
  if mode >= K.PATH_BASE then path = normalize(path, mode) end
  if path == nil or find(path, "\\", 1, true) then return nil end
  local decoded = path
  if find(path, "%", 1, true) then
    if find(path, "%%2[fF]") or find(path, "%%5[cC]") or find(path, "%%00") then return nil end
    decoded = bytes_of.unescape(path)
    if decoded == nil or not bytes_of.is_utf8(decoded) then return nil end
  end
  if mode == K.PATH_REJECT and not segments_are_proper(decoded) then return nil end
  return path, decoded
end

-- `mode`: one of the constants `PATH_...`. The path, normalised, and the path decoded, both nil where it is invalid; the query, nil where that is invalid, and whether there is one.
function M.read_target(target, mode)
  if not is_within(target) or find(target, "#", 1, true) then return nil, nil, nil, false end
  local question = find(target, "?", 1, true)
  local path = question and sub(target, 1, question - 1) or target
  local query = question and sub(target, question + 1) or ""
  if find(query, "[^!-~]") then query = nil end
  local judged, decoded = decode_path(path, mode)
  return judged, decoded, query, question ~= nil
end

-- A colon and zero to five digits, at most 65535.
local function is_port(text)
  if not find(text, "^:[0-9]?[0-9]?[0-9]?[0-9]?[0-9]?$") then return false end
  return text == ":" or tonumber(sub(text, 2)) <= PORT_MAX
end

-- `[`, an IPv6 address, `]`, and nothing but a port behind it.
local function read_literal(host)
  local close = find(host, "]", 1, true)
  if close == nil or (close < #host and not is_port(sub(host, close + 1))) then return nil end
  local inside = sub(host, 2, close - 1)
  if not find(inside, ":", 1, true) or address.read_ip(inside) == nil then return nil end
  return sub(host, 1, close)
end

local function read_name(host)
  local colon = find(host, ":", 1, true)
  if colon and not is_port(sub(host, colon)) then return nil end
  local name = colon and sub(host, 1, colon - 1) or host
  if sub(name, -1) == "." then name = sub(name, 1, -2) end
  if name == "" or byte(name, 1) == 0x2e or byte(name, -1) == 0x2e then return nil end
  if find(name, "[^a-z0-9._-]") or find(name, "..", 1, true) then return nil end
  return name
end

-- A host that is not missing: lower case, without port and one trailing dot; nil where it is none.
function M.read_host(host)
  if not is_within(host) then return nil end
  local lowered = host:lower()
  if byte(lowered, 1) == 0x5b then return read_literal(lowered) end
  return read_name(lowered)
end

return M
