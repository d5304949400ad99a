-- Rules 4 and 5: strings, numbers, networks, the sets made of them, automata and schedules.
local bit = require("bit")
local bytes_of = require("kong.plugins.ipe.bytes")
local container = require("kong.plugins.ipe.verify.container")
local K = require("kong.plugins.ipe.gen.constants")
local refusal = require("kong.plugins.ipe.verify.refusal")

local refuse, shown = refusal.refuse, refusal.shown
local band, bxor, rshift = bit.band, bit.bxor, bit.rshift
local byte, char, sub = string.byte, string.char, string.sub
local is_utf8, is_v4, u16 = bytes_of.is_utf8, bytes_of.is_v4, bytes_of.u16

local ADDRESS_BYTES = 16
local PREFIX_MAX = 128
-- Prefix length of ::ffff:0:0/96, the network of the v4-mapped addresses.
local MAPPED_PREFIX = 96
local DAY_MINUTES = 1440
local MINUTES_MAX = 2 ^ 31

local M = {}

local function read_strings(t)
  local rows = t.strings
  local strings, indexes = {}, {}
  local at = t.string_bytes_at
  for i = 0, rows.count - 1 do
    local length = rows:word(i, 0)
    local text = sub(t.bytes, at + 1, at + length)
    at = at + length
    if not is_utf8(text) then refuse(rows:at(i), "it is not valid UTF-8") end
    if indexes[text] then refuse(rows:at(i), shown(text) .. " stands there twice") end
    indexes[text] = i
    strings[i] = text
  end
  return strings
end

-- Their bytes stay where they are.
local function check_texts(t)
  local rows = t.texts
  local stop = 0
  for i = 0, rows.count - 1 do
    local start = stop
    stop = rows:word(i, 0)
    if stop < start then refuse(rows:at(i), "it ends at byte " .. stop .. ", the one before at " .. start) end
    -- INVARIANT: the last end lies in the section; one beyond it is followed by a smaller one.
    if t.text_bytes_at + stop > #t.bytes then refuse(rows:at(i), "it ends at byte " .. stop .. ", behind all texts") end
    if not is_utf8(sub(t.bytes, t.text_bytes_at + start + 1, t.text_bytes_at + stop)) then
      refuse(rows:at(i), "it is not valid UTF-8")
    end
  end
end

local function read_numbers(t)
  local rows = t.numbers
  local numbers, seen = {}, {}
  for i = 0, rows.count - 1 do
    local value, negative_zero = bytes_of.double(t.bytes, rows:start(i))
    if value == nil then refuse(rows:at(i), "it is not finite") end
    if negative_zero then refuse(rows:at(i), "it is -0") end
    if seen[value] then refuse(rows:at(i), value .. " stands there twice") end
    seen[value] = true
    numbers[i] = value
  end
  return numbers
end

local function zero_behind(address, prefix)
  for i = 0, ADDRESS_BYTES - 1 do
    local kept = math.min(8, math.max(0, prefix - i * 8))
    if band(byte(address, i + 1), rshift(0xff, kept)) ~= 0 then return false end
  end
  return true
end

-- A network is a string of 17 bytes: its address, v4 as v4-mapped, and its prefix length in 128 bits.
local function read_networks(t)
  local rows = t.networks
  local networks, prefixes, seen = {}, {}, {}
  for i = 0, rows.count - 1 do
    local prefix = rows:word(i, ADDRESS_BYTES / 4)
    local at = rows:start(i)
    local address = sub(t.bytes, at + 1, at + ADDRESS_BYTES)
    if prefix > PREFIX_MAX then refuse(rows:at(i), "prefix length " .. prefix .. " is more than " .. PREFIX_MAX) end
    if prefix < MAPPED_PREFIX and is_v4(address) then
      refuse(rows:at(i), "an IPv4 address with prefix length " .. prefix .. ", which is less than " .. MAPPED_PREFIX)
    end
    if not zero_behind(address, prefix) then
      refuse(rows:at(i), "bits behind the prefix of " .. prefix .. " are not zero")
    end
    local network = address .. char(prefix)
    if seen[network] then refuse(rows:at(i), "it stands there twice") end
    seen[network] = true
    networks[i] = network
    prefixes[i] = prefix
  end
  return networks, prefixes
end

-- Bits that two addresses have in common, which differ.
local function common_bits(a, b)
  local at = 1
  while byte(a, at) == byte(b, at) do at = at + 1 end
  local difference = bxor(byte(a, at), byte(b, at))
  local bits = (at - 1) * 8
  local mask = 0x80
  while band(difference, mask) == 0 do
    bits = bits + 1
    mask = rshift(mask, 1)
  end
  return bits
end

-- v4 first, then by address; and none lies in the one before, so that a search finds the only one that may hold an address.
local function networks_ascend(networks, prefixes, before, element)
  local first, second = sub(networks[before], 1, ADDRESS_BYTES), sub(networks[element], 1, ADDRESS_BYTES)
  local first_is_v4 = is_v4(first)
  if first_is_v4 ~= is_v4(second) then return first_is_v4 end
  return first < second and common_bits(first, second) < prefixes[before]
end

local function ascends(c, kind, before, element)
  if kind == K.SET_NUMBERS then return c.numbers[before] < c.numbers[element] end
  if kind == K.SET_NETWORKS then return networks_ascend(c.networks, c.prefixes, before, element) end
  return before < element
end

-- Sets stay as ranges of elements here: `sets[i]` has `kind`, `first` and `stop`.
local function read_sets(t, c)
  local rows, element_rows = t.sets, t.set_elements
  local limits = {
    [K.SET_STRINGS] = { "string", t.strings.count },
    [K.SET_NUMBERS] = { "number", t.numbers.count },
    [K.SET_NETWORKS] = { "network", t.networks.count },
  }
  local sets, elements = {}, {}
  local next_one = 0
  for i = 0, rows.count - 1 do
    local kind = rows:word(i, 0)
    if K.SET_NAMES[kind] == nil then refuse(rows:at(i), "unknown kind " .. kind) end
    local first = next_one
    next_one = rows:next_range(i, 1, first, element_rows)
    if next_one == first then refuse(rows:at(i), "it is empty") end
    local limit = limits[kind]
    for e = first, next_one - 1 do
      local element = limit and element_rows:index(e, 0, limit[1], limit[2]) or element_rows:word(e, 0)
      if e > first and not ascends(c, kind, elements[e - 1], element) then
        refuse(rows:at(i), "its elements do not ascend")
      end
      elements[e] = element
    end
    sets[i] = { kind = kind, first = first, stop = next_one }
  end
  element_rows:all_used(next_one)
  return sets, elements
end

local function read_schedules(t)
  local rows, offset_rows = t.schedules, t.offsets
  local schedules = {}
  local next_one = 0
  for i = 0, rows.count - 1 do
    local where = rows:at(i)
    local days, from, to, limit = rows:word(i, 0), rows:word(i, 1), rows:word(i, 2), rows:word(i, 3)
    if days < 1 or days > 127 then refuse(where, "days " .. days) end
    if from >= to or to > DAY_MINUTES then refuse(where, "hours from minute " .. from .. " to " .. to) end
    if limit >= MINUTES_MAX then refuse(where, "until minute " .. limit) end
    local first = next_one
    next_one = rows:next_range(i, 4, first, offset_rows)
    if next_one == first then refuse(where, "it has no offset") end
    -- From 1 on, for the search at run time.
    local minutes, offsets = {}, {}
    for o = first, next_one - 1 do
      local minute, offset = offset_rows:word(o, 0), offset_rows:word(o, 1)
      if offset >= 2 ^ 31 then offset = offset - 2 ^ 32 end
      local least = o == first and DAY_MINUTES or minutes[o - first] + 1
      if minute < least or minute >= limit then
        refuse(offset_rows:at(o), "minute " .. minute .. " stands in the wrong place")
      end
      if math.abs(offset) > DAY_MINUTES then refuse(offset_rows:at(o), "an offset of " .. offset .. " minutes") end
      minutes[o - first + 1] = minute
      offsets[o - first + 1] = offset
    end
    schedules[i] = { days = days, from = from, to = to, limit = limit, minutes = minutes, offsets = offsets }
  end
  offset_rows:all_used(next_one)
  return schedules
end

local function read_automata(t)
  local rows = t.automata
  local automata = {}
  local at = t.automata_at
  for i = 0, rows.count - 1 do
    local where = rows:at(i)
    local states, classes, start = rows:word(i, 0), rows:word(i, 1), rows:word(i, 2)
    if states > K.LIMIT_AUTOMATON_STATES_MAX then
      refuse(where, states .. " states, the limit is " .. K.LIMIT_AUTOMATON_STATES_MAX)
    end
    if classes < 1 or classes > 256 then refuse(where, classes .. " classes of bytes") end
    local row_bytes = states * (classes + 1) * 2
    if row_bytes > K.LIMIT_AUTOMATON_BYTES_MAX then
      refuse(where, "its rows have " .. row_bytes .. " bytes, the limit is " .. K.LIMIT_AUTOMATON_BYTES_MAX)
    end
    local stop = states + 2
    if start >= stop then refuse(where, "start " .. start .. " does not exist, there are " .. stop .. " states") end
    local class_of, targets = {}, {}
    for b = 0, 255 do
      local class = byte(t.bytes, at + b + 1)
      if class >= classes then refuse(where, "class " .. class .. " of a byte does not exist, there are " .. classes) end
      class_of[b] = class
    end
    for target_at = 0, states * (classes + 1) - 1 do
      local target = u16(t.bytes, at + 256 + target_at * 2)
      local last = target_at % (classes + 1) == classes
      if target >= (last and 2 or stop) then
        refuse(where, "target " .. target_at .. " is " .. target .. (last and ", which is no answer" or ""))
      end
      targets[target_at] = target
    end
    automata[i] = { classes = classes, start = start, class_of = class_of, targets = targets }
    at = at + math.ceil(container.automaton_bytes(states, classes) / 4) * 4
  end
  return automata
end

-- Rules 4 and 5. Lists count from 0, as indexes in the bundle do; `counts` says how many there are.
function M.read(t)
  local c = {}
  c.strings = read_strings(t)
  check_texts(t)
  c.numbers = read_numbers(t)
  c.networks, c.prefixes = read_networks(t)
  c.sets, c.set_elements = read_sets(t, c)
  c.automata = read_automata(t)
  c.schedules = read_schedules(t)
  c.string_count, c.number_count, c.network_count = t.strings.count, t.numbers.count, t.networks.count
  return c
end

-- A whole number that a double holds exactly.
function M.is_safe_integer(value)
  return value ~= nil and value % 1 == 0 and value >= -9007199254740991 and value <= 9007199254740991
end

return M
