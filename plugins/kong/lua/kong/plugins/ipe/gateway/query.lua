-- The query that the upstream gets: without what the client sent under names that policies set, with what they set. The same as
-- core/decision/query-string.ts.
local byte, char, find, format, gmatch, gsub, sub = string.byte, string.char, string.find, string.format, string.gmatch,
  string.gsub, string.sub
local concat, ipairs, next, pairs, tonumber = table.concat, ipairs, next, pairs, tonumber

local M = {}

local function unhex(digits) return char(tonumber(digits, 16)) end

-- Escapes, and `+` for a blank; what is no escape stays as it is written.
local function decode(text)
  if find(text, "+", 1, true) then text = gsub(text, "%+", " ") end
  if find(text, "%", 1, true) then text = gsub(text, "%%(%x%x)", unhex) end
  return text
end

local function name_of(pair)
  local equals = find(pair, "=", 1, true)
  return decode(equals and sub(pair, 1, equals - 1) or pair)
end

-- Whether a server that separates by `;`, too, would find one of the names in a pair.
local function has_hidden(pair, names)
  for piece in gmatch(pair, "[^;]+") do
    if names[name_of(piece)] then return true end
  end
  return false
end

local function escape(c) return format("%%%02X", byte(c)) end

-- But for the unreserved characters of RFC 3986, section 2.3.
local function encode(text) return (gsub(text, "[^%w%-._~]", escape)) end

-- A raw query with changes. `names`: of which no pair stays, a set; `set`: { name, value } each, in order, behind everything else.
-- All other pairs stay byte for byte; only where a name of those hides behind a `;`, the pair's `;` are escaped, so that no
-- server sees a parameter that policies did not.
function M.rewrite(query, set, names)
  local kept, from = {}, 1
  while from <= #query + 1 do
    local stop = find(query, "&", from, true) or #query + 1
    local pair = sub(query, from, stop - 1)
    if not names[name_of(pair)] then
      if find(pair, ";", 1, true) and has_hidden(pair, names) then pair = gsub(pair, ";", "%%3B") end
      kept[#kept + 1] = pair
    end
    from = stop + 1
  end
  local rest, added = concat(kept, "&"), {}
  for i, own in ipairs(set) do added[i] = encode(own.name) .. "=" .. encode(own.value) end
  if rest ~= "" and added[1] then return rest .. "&" .. concat(added, "&") end
  return rest .. concat(added, "&")
end

-- Names as a set; nil for none.
function M.set_of(names)
  local set = {}
  for _, name in ipairs(names) do set[name] = true end
  return next(set) and set or nil
end

-- The names of which the client's pairs go: `settable`, what some policy of the bundle sets (nil for nothing), and what this
-- decision removes (nil where there is none that is carried out). Nil for no names.
function M.names_gone(settable, decision)
  local removed = decision and decision.removed_query
  if removed == nil or removed[1] == nil then return settable end
  local names = M.set_of(removed)
  for name in pairs(settable or {}) do names[name] = true end
  return names
end

return M
