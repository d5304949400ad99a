-- The Lua runtime for tests: a line of JSON in, a line of JSON out. Bytes of bundles and requests are base64.
--
--   { "load": BYTES, "piece_max": N or left out }  -> { "error": null or why it is refused }
--   { "decide": REQUEST, "outcomes": true or false }
--   { "slots": REQUEST }                           -> { "slots": the slots that are read, by name }
--   { "unit": NAME, "text": BYTES, "part": BYTES }  -> { "value": a text (bytes as hexadecimal digits), or null }
--
-- A fact of a REQUEST is BYTES, { "number": TEXT }, true or false, { "undelivered": true }, or left out.
local engine_of = require("kong.plugins.ipe.engine")
local json = require("kong.plugins.ipe.request.json")
local address = require("kong.plugins.ipe.request.address")
local bytes = require("kong.plugins.ipe.bytes")
local cells_of = require("kong.plugins.ipe.request.cells")
local contains = require("kong.plugins.ipe.runtime.text_search")
local lines = require("lines")
local load_bundle = require("kong.plugins.ipe.load")
local loader_of = require("kong.plugins.ipe.request.load")
local number = require("kong.plugins.ipe.request.number")
local sha256 = require("kong.plugins.ipe.sha256")
local time = require("kong.plugins.ipe.request.time")

local bytes_of, quoted = lines.bytes_of, lines.quoted

local NUMBERS = { NaN = 0 / 0, Infinity = 1 / 0, ["-Infinity"] = -1 / 0 }

local function fact(given)
  if type(given) == "string" then return bytes_of(given) end
  if type(given) ~= "table" then return given end
  if given.undelivered then return engine_of.undelivered end
  return NUMBERS[given.number] or tonumber(given.number)
end

local function facts(given)
  local made = {}
  for name, own in pairs(given or {}) do made[name] = fact(own) end
  return made
end

local function request_of(given)
  local request = facts({
    method = given.method, target = given.target, host = given.host, scheme = given.scheme, protocol = given.protocol,
    size = given.size, time = given.time, body = given.body,
  })
  request.headers_joined = given.headers_joined
  request.body_is_json = given.body_is_json
  request.source, request.destination = facts(given.source), facts(given.destination)
  request.connection = facts(given.connection)
  -- Names and values alternate.
  if given.headers then
    request.headers = {}
    for i = 1, #given.headers, 2 do
      request.headers[#request.headers + 1] = { name = bytes_of(given.headers[i]), value = bytes_of(given.headers[i + 1]) }
    end
  end
  if given.extensions then
    request.extensions = {}
    for i = 1, #given.extensions, 2 do
      local text = given.extensions[i + 1]
      request.extensions[bytes_of(given.extensions[i])] = text and bytes_of(text) or engine_of.undelivered
    end
  end
  return request
end

local function spelled(value) return value and ("%.17g"):format(value) end

local function hex(text) return text and text:gsub(".", function(c) return ("%02x"):format(c:byte()) end) end

-- Parts of the runtime by themselves.
local UNITS = {
  int = function(text) return spelled(number.read_int(text)) end,
  float = function(text) return spelled(number.read_float(text)) end,
  datetime = function(text) return spelled(time.read_datetime(text)) end,
  duration = function(text) return spelled(time.read_duration(text)) end,
  ip = function(text) return hex(address.read_ip(text)) end,
  cidr = function(text) return hex(address.read_cidr(text)) end,
  sha256 = function(text) return hex(sha256(text)) end,
  json = function(text) return tostring(json.new_tape():scan(text)) end,
  utf8 = function(text) return tostring(bytes.is_utf8(text)) end,
  contains = function(text, part) return tostring(contains(text, part)) end,
}

local STATES = { [0] = "absent", "present", "invalid" }

-- A value as JSON: its state and, where it is present, one member that says what it holds.
local function dump(cells, shape, cell)
  local state, value = cells.state[cell], cells.value[cell]
  local held = ""
  if shape.type == "record" then
    local fields = {}
    for i, field in ipairs(shape.fields) do
      fields[i] = quoted(field.name) .. ":" .. dump(cells, field.shape, cell + field.offset)
    end
    held = ',"fields":{' .. table.concat(fields, ",") .. "}"
  elseif state == cells_of.PRESENT then
    if shape.type == "list" then
      local elements = {}
      for i = 1, cells.length[cell] do
        elements[i] = dump(cells, shape.element, value + (i - 1) * shape.element.width)
      end
      held = ',"elements":[' .. table.concat(elements, ",") .. "]"
    elseif type(value) == "string" then
      held = ',"bytes":' .. quoted((hex(value)))
    else
      held = ',"number":' .. spelled(value)
    end
  end
  return '{"state":' .. quoted(STATES[state]) .. held .. "}"
end

local bundle, loaded

local function slots_of(given)
  if loaded == nil then
    local program, cells = assert(load_bundle(bundle)), cells_of.new()
    loaded = { program = program, cells = cells, loader = loader_of.new(program, cells) }
  end
  loaded.loader:load(request_of(given.slots))
  local slots = {}
  for _, slot in ipairs(loaded.program.slots) do
    if slot.read then slots[#slots + 1] = quoted(slot.name) .. ":" .. dump(loaded.cells, slot.shape, slot.cell) end
  end
  return '{"slots":{' .. table.concat(slots, ",") .. "}}"
end

local engine

-- Names and values alternate.
local function pairs_of(list)
  local texts = {}
  for i, own in ipairs(list) do texts[i] = quoted(own.name) .. "," .. quoted(own.value) end
  return "[" .. table.concat(texts, ",") .. "]"
end

local function names_of(list)
  local texts = {}
  for i, name in ipairs(list) do texts[i] = quoted(name) end
  return "[" .. table.concat(texts, ",") .. "]"
end

local function done_of(decision)
  return ('"headers":%s,"removed":%s,"response_headers":%s,"query":%s,"removed_query":%s,"metadata":%s'):format(
    pairs_of(decision.headers), names_of(decision.removed), pairs_of(decision.response_headers),
    pairs_of(decision.query), names_of(decision.removed_query), pairs_of(decision.metadata)
  )
end

local function decided(given)
  local decision = engine:decide(request_of(given.decide))
  local outcomes = {}
  local limits = {}
  for i, take in ipairs(decision.limits or {}) do
    limits[i] = ('{"policy":%s,"key":%s,"intervalMicros":%.17g,"burst":%d,"onFailure":%s}'):format(
      quoted(take.policy), quoted(take.key), take.interval, take.burst, quoted(take.on_failure)
    )
  end
  if given.outcomes then
    for i, outcome in ipairs(engine:outcomes()) do outcomes[i] = quoted(outcome) end
  end
  return ('{"allow":%s,"policy":%s,"outcome":%s,"status":%s,"body":%s,"answers":%s,"limits":[%s],"outcomes":[%s],%s}'):format(
    tostring(decision.allow), quoted(decision.policy), quoted(decision.outcome), decision.status or "null",
    quoted(decision.body), pairs_of(decision.answers or {}), table.concat(limits, ","), table.concat(outcomes, ","),
    done_of(decision)
  )
end

local function answer(given)
  if given.load then
    local own = bytes_of(given.load)
    local made, refusal = engine_of.new(own, given.piece_max)
    if made then bundle, loaded = own, nil end
    -- A refused bundle leaves the one before in force.
    engine = made or engine
    return '{"error":' .. quoted(refusal) .. "}"
  end
  if given.slots then return slots_of(given) end
  if given.unit then
    return '{"value":' .. quoted((UNITS[given.unit](bytes_of(given.text), bytes_of(given.part or "")))) .. "}"
  end
  return decided(given)
end

lines.serve(answer)
