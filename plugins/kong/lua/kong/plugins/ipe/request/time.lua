-- Spellings of points in time and lengths of time (docs/request.md, section 2). Both are whole milliseconds.
local byte, find, match, sub = string.byte, string.find, string.match, string.sub
local floor = math.floor

-- `2026-11-29T08:30:00.123456789+01:00`
local DATETIME_TEXT_MAX = 35
-- No duration within 2^53 ms has a longer spelling.
local DURATION_TEXT_MAX = 64
local MINUTE_MS = 60000
local SAFE_MAX = 9007199254740991
-- From the first day of year 0 to 1970-01-01 in the proleptic Gregorian calendar.
local DAYS_TO_1970 = 719528
-- Days before each month of a year without a leap day.
local DAYS_BEFORE = { [0] = 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365 }
-- Milliseconds of a duration's units, in the order in which they are written.
local UNITS = { { "d", 86400000 }, { "h", 3600000 }, { "m", MINUTE_MS }, { "s", 1000 }, { "ms", 1 } }
local UNIT_PLACE = {}
for place, unit in ipairs(UNITS) do UNIT_PLACE[unit[1]] = place end

local M = {}

local function is_leap(year) return year % 4 == 0 and (year % 100 ~= 0 or year % 400 == 0) end

local function days_before_year(year)
  if year == 0 then return 0 end
  local past = year - 1
  return 365 * year + floor(past / 4) - floor(past / 100) + floor(past / 400) + 1
end

-- Minutes east of UTC, or nil.
local function read_offset(text)
  if text == "Z" then return 0 end
  local sign, hours, minutes = match(text, "^([+-])([0-9][0-9]):([0-9][0-9])$")
  if sign == nil then return nil end
  hours, minutes = tonumber(hours), tonumber(minutes)
  if hours > 23 or minutes > 59 then return nil end
  local offset = hours * 60 + minutes
  return sign == "+" and offset or -offset
end

-- By RFC 3339 (section 5.6), years 0000 to 9999: `T` and `Z` in upper case, one to nine digits of a second's fraction, of
-- which three are kept. A second 60 is none. Nil for anything else.
function M.read_datetime(text)
  if #text > DATETIME_TEXT_MAX then return nil end
  local year, month, day, hour, minute, second, rest =
    match(text, "^(%d%d%d%d)%-(%d%d)%-(%d%d)T(%d%d):(%d%d):(%d%d)(.*)$")
  if year == nil then return nil end
  year, month, day, hour = tonumber(year), tonumber(month), tonumber(day), tonumber(hour)
  minute, second = tonumber(minute), tonumber(second)
  if month < 1 or month > 12 or hour > 23 or minute > 59 or second > 59 then return nil end
  local leap_day = is_leap(year) and 1 or 0
  local days_in = DAYS_BEFORE[month] - DAYS_BEFORE[month - 1] + (month == 2 and leap_day or 0)
  if day < 1 or day > days_in then return nil end
  local fraction = 0
  if byte(rest, 1) == 0x2e then
    local digits = match(rest, "^%.(%d+)")
    if digits == nil or #digits > 9 then return nil end
    fraction = tonumber(sub(digits .. "00", 1, 3))
    rest = sub(rest, #digits + 2)
  end
  local offset = read_offset(rest)
  if offset == nil then return nil end
  local days = days_before_year(year) + DAYS_BEFORE[month - 1] + (month > 2 and leap_day or 0) + day - 1
  local minutes = (days * 24 + hour) * 60 + minute
  return (minutes - DAYS_TO_1970 * 1440 - offset) * MINUTE_MS + second * 1000 + fraction
end

-- Whole numbers without leading zeros with `d`, `h`, `m`, `s`, `ms`, each unit at most once and in this order, a `-` before
-- the first: `1h30m`. Nil for anything else and beyond +-(2^53-1) ms.
function M.read_duration(text)
  if #text > DURATION_TEXT_MAX then return nil end
  local negative = byte(text, 1) == 0x2d
  local at = negative and 2 or 1
  if at > #text then return nil end
  local total, before = 0, 0
  while at <= #text do
    local _, stop, digits, unit = find(text, "^([0-9]+)(ms)", at)
    if stop == nil then _, stop, digits, unit = find(text, "^([0-9]+)([dhms])", at) end
    if stop == nil or (#digits > 1 and byte(digits, 1) == 0x30) then return nil end
    local place = UNIT_PLACE[unit]
    if place <= before then return nil end
    before = place
    total = total + tonumber(digits) * UNITS[place][2]
    at = stop + 1
  end
  if total > SAFE_MAX then return nil end
  return negative and total ~= 0 and -total or total
end

return M
