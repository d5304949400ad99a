-- The engine of a plugin's configuration: read, verified and translated once in each worker.
local engine_of = require("kong.plugins.ipe.engine")
local K = require("kong.plugins.ipe.gen.constants")
local limits = require("kong.plugins.ipe.gateway.limits")
local targets = require("kong.plugins.ipe.gen.targets")

local BYTES_MAX = K.LIMIT_FILTER_BUNDLE_BYTES_MAX
-- Seconds after which a bundle that could not be used is tried again: its file may have been half written.
local RETRY_S = 1

-- By the table of a configuration, of which Kong makes a new one for every change.
local by_config = setmetatable({}, { __mode = "k" })
-- By the bytes of a bundle, so that several routes with one bundle share its engine.
local by_bytes = setmetatable({}, { __mode = "v" })

local M = {}

local function read_file(path)
  local file, problem = io.open(path, "rb")
  if file == nil then return nil, "bundle_path: " .. problem end
  -- One byte more than is allowed tells that there is more. Of a folder nothing can be read.
  local bytes, failure = file:read(BYTES_MAX + 1)
  file:close()
  if bytes == nil then return nil, ("bundle_path: %s: %s"):format(path, failure or "the file is empty") end
  if #bytes > BYTES_MAX then return nil, ("bundle_path: %s has more than %d bytes"):format(path, BYTES_MAX) end
  return bytes
end

local function read_base64(text)
  local bytes = ngx.decode_base64((text:gsub("%s+", "")))
  if bytes == nil then return nil, "bundle: this is not base64; a file is named with bundle_path" end
  return bytes
end

-- Kong writes `ngx.null`, a userdata, for fields that are not set.
local function text_of(field) return type(field) == "string" and field or nil end

local function read_bytes(conf)
  local path, text = text_of(conf.bundle_path), text_of(conf.bundle)
  if (path == nil) == (text == nil) then return nil, "exactly one of bundle and bundle_path is needed" end
  if path then return read_file(path) end
  return read_base64(text)
end

local EXTENSION_KEYS = {}
for _, key in ipairs(targets.extension_keys) do EXTENSION_KEYS[key] = true end

local function is_kongs_key(key)
  if EXTENSION_KEYS[key] then return true end
  for _, prefix in ipairs(targets.extension_prefixes) do
    if #key > #prefix and key:sub(1, #prefix) == prefix then return true end
  end
  return false
end

-- What a bundle reads and Kong cannot supply, as a sentence, or nil. Every request would be judged by a fact that nobody
-- ever knows.
local function objection(engine)
  for _, slot in ipairs(engine.reads) do
    local reason = targets.missing[slot.source == "builtin" and slot.name or slot.source]
    if reason == nil and slot.source == "extension" and not is_kongs_key(slot.argument) then
      reason = ("Kong gives no extension `%s`"):format(slot.argument)
    end
    if reason then return ("it reads `%s`, and %s; `ipe check --target kong` says where"):format(slot.name, reason) end
  end
  return nil
end

-- Where there is something to count, there must be something to count in.
local function checked(engine, conf)
  if not engine.has_limits then return engine end
  local dictionary, missing = limits.dictionary(text_of(conf.limits_dict))
  if dictionary == nil then return nil, "the bundle is refused: " .. missing end
  return engine
end

local function made(conf)
  local bytes, problem = read_bytes(conf)
  if bytes == nil then return nil, problem end
  local known = by_bytes[bytes]
  if known then return checked(known, conf) end
  local engine, refusal = engine_of.new(bytes)
  refusal = refusal or objection(engine)
  if refusal then return nil, "the bundle is refused: " .. refusal end
  by_bytes[bytes] = engine
  return checked(engine, conf)
end

-- The engine of a configuration; nil and why there is none. Never raises an error, and remembers for a while that there is
-- none.
function M.engine_for(conf)
  local known = by_config[conf]
  if known and (known.engine or ngx.now() < known.retry_at) then return known.engine, known.refusal end
  local ok, engine, refusal = pcall(made, conf)
  if not ok then engine, refusal = nil, tostring(engine) end
  by_config[conf] = { engine = engine, refusal = refusal, retry_at = ngx.now() + RETRY_S }
  return engine, refusal
end

return M
