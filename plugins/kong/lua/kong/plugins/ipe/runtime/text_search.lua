-- Finding one text in another. Both may be a client's, so the time is linear in their lengths: where the plain search
-- could take long, Knuth, Morris and Pratt's does it.
local byte, find = string.byte, string.find

-- Up to so many steps, which compare many bytes at once, the plain search is the faster one.
local PLAIN_STEPS_MAX = 1048576

-- By place: length of the longest proper prefix of the part that is also a suffix of its bytes up to there.
local function borders_of(part)
  local borders = { [1] = 0 }
  local matched = 0
  for i = 2, #part do
    local b = byte(part, i)
    while matched > 0 and b ~= byte(part, matched + 1) do matched = borders[matched] end
    if b == byte(part, matched + 1) then matched = matched + 1 end
    borders[i] = matched
  end
  return borders
end

local function search(text, part)
  local borders = borders_of(part)
  local matched, length = 0, #part
  for i = 1, #text do
    local b = byte(text, i)
    while matched > 0 and b ~= byte(part, matched + 1) do matched = borders[matched] end
    if b == byte(part, matched + 1) then matched = matched + 1 end
    if matched == length then return true end
  end
  return false
end

-- Is `part` somewhere in `text`?
return function(text, part)
  local places = #text - #part + 1
  if places < 1 then return false end
  if places * #part <= PLAIN_STEPS_MAX then return find(text, part, 1, true) ~= nil end
  return search(text, part)
end
