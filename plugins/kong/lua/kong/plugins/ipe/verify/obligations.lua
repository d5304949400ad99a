-- Rule 14: what policies do besides deciding. Limits have a file of their own.
local bytes_of = require("kong.plugins.ipe.bytes")
local global_cells = require("kong.plugins.ipe.verify.global_cells")
local K = require("kong.plugins.ipe.gen.constants")
local limits_of = require("kong.plugins.ipe.verify.limits")
local remembered = require("kong.plugins.ipe.verify.remembered")
local refusal = require("kong.plugins.ipe.verify.refusal")

local refuse, shown = refusal.refuse, refusal.shown

local PART = K.OBLIGATION_PART
local UNSETTABLE = {}
for _, name in ipairs(K.UNSETTABLE_HEADERS) do UNSETTABLE[name] = true end
local REDIRECTS = {}
for _, status in ipairs(K.REDIRECT_STATUSES) do REDIRECTS[status] = true end

local HEADERS = {
  [K.OBLIGATION_SET_REQUEST_HEADER] = true,
  [K.OBLIGATION_APPEND_REQUEST_HEADER] = true,
  [K.OBLIGATION_REMOVE_REQUEST_HEADER] = true,
  [K.OBLIGATION_SET_ANSWER_HEADER] = true,
  [K.OBLIGATION_SET_RESPONSE_HEADER] = true,
}
local REMOVING = { [K.OBLIGATION_REMOVE_REQUEST_HEADER] = true, [K.OBLIGATION_REMOVE_QUERY_PARAMETER] = true }
local BODIES = { [K.OBLIGATION_TEXT_BODY] = true, [K.OBLIGATION_JSON_BODY] = true }
-- Parts can go on with the text of these.
local TEXTED = {
  [K.OBLIGATION_SET_REQUEST_HEADER] = true,
  [K.OBLIGATION_APPEND_REQUEST_HEADER] = true,
  [K.OBLIGATION_SET_RESPONSE_HEADER] = true,
  [K.OBLIGATION_SET_QUERY_PARAMETER] = true,
  [K.OBLIGATION_SET_METADATA] = true,
  [K.OBLIGATION_TEXT_BODY] = true,
  [K.OBLIGATION_JSON_BODY] = true,
}
-- Types whose values can stand in a text.
local WRITABLE = { string = true, int = true, bool = true, enum = true }

local M = {}

-- A header that a policy may set: none that frames or routes the message, none of ours, without `_`.
local function is_settable(name)
  return bytes_of.is_lower_token(name) and not name:find("_", 1, true) and name:sub(1, 6) ~= "x-ipe-"
    and not UNSETTABLE[name]
end

local function is_visible(text) return not text:find("[^ -~]") end

local function is_clean(text) return not text:find("[%z\1-\31\127]") end

-- Of a query parameter or a key of metadata.
local function is_target(name) return name ~= "" and #name <= K.LIMIT_TARGET_BYTES_MAX and is_clean(name) end

local Rules = {}
Rules.__index = Rules

local function rules_of(t, c, slots, enums)
  local headers, queries = {}, {}
  for _, slot in ipairs(slots) do
    -- What many servers take for the same header: `_` and `-` are equal.
    if slot.source == "header" then headers[slot.argument:gsub("_", "-")] = true end
    if slot.source == "query" then queries[slot.argument] = true end
  end
  return setmetatable({
    rows = t.obligations, string_count = t.strings.count, strings = c.strings, headers = headers, queries = queries,
    cells = global_cells.new(slots, enums),
    settable = remembered(is_settable), visible = remembered(is_visible), clean = remembered(is_clean),
    target = remembered(is_target),
  }, Rules)
end

-- The text of a row, fit for what it is part of.
function Rules:text(where, kind, text)
  if BODIES[kind] then return text end
  local fits = HEADERS[kind] and self.visible or self.clean
  if not fits(text) then
    local what = HEADERS[kind] and "visible ASCII characters and blanks" or "characters without control characters"
    refuse(where, "the value " .. shown(text) .. " holds more than " .. what)
  end
  return text
end

-- { kind, name, value }; `value` is nil where something is removed.
function Rules:action(i, kind)
  local rows = self.rows
  local where = rows:at(i)
  local name = self.strings[rows:index(i, 1, "string", self.string_count)]
  if HEADERS[kind] and not self.settable(name) then refuse(where, "no policy may set header " .. shown(name)) end
  if not HEADERS[kind] and not self.target(name) then refuse(where, "nothing has the name " .. shown(name)) end
  if kind < K.OBLIGATION_REMOVE_REQUEST_HEADER and self.headers[name] then
    refuse(where, "header " .. shown(name) .. " is also where a slot comes from")
  end
  if kind == K.OBLIGATION_SET_QUERY_PARAMETER and self.queries[name] then
    refuse(where, "query parameter " .. shown(name) .. " is also where a slot comes from")
  end
  local index = rows:index_or_none(i, 2, "string", self.string_count)
  local value = index ~= -1 and self.strings[index] or nil
  if (value == nil) ~= (REMOVING[kind] == true) then
    refuse(where, value and "it removes something and has a value" or "it has no value")
  end
  return { kind = kind, name = name, value = value and self:text(where, kind, value) }
end

-- { kind, cell, type, members, text = what stands behind the value }; `behind`: the kind of what it goes on with.
function Rules:part(i, behind)
  local rows = self.rows
  local where = rows:at(i)
  if not TEXTED[behind] then refuse(where, "a part follows nothing that it could be a part of") end
  local part = self.cells:named_by(rows, i)
  if not WRITABLE[part.type] then refuse(where, "cell " .. part.cell .. " has no text") end
  part.kind = PART
  part.text = self:text(where, behind, self.strings[rows:index(i, 2, "string", self.string_count)])
  return part
end

-- { kind }.
function Rules:body(i, kind)
  if self.rows:word(i, 1) ~= K.NONE or self.rows:word(i, 2) ~= K.NONE then
    refuse(self.rows:at(i), "a body has a name or a value")
  end
  return { kind = kind }
end

-- Rule 14 without the ranges, which belong to the policies. From 0 on.
function M.read(t, c, slots, enums)
  local rows, rules = t.obligations, rules_of(t, c, slots, enums)
  local obligations, behind = {}, 0
  for i = 0, rows.count - 1 do
    local kind = rows:word(i, 0)
    if kind < K.OBLIGATION_SET_REQUEST_HEADER or kind > PART then refuse(rows:at(i), "unknown kind " .. kind) end
    if kind == K.OBLIGATION_LIMIT then
      obligations[i] = limits_of.read_limit(rows, i, c)
    elseif kind == K.OBLIGATION_LIMIT_KEY then
      obligations[i] = limits_of.read_key(rows, i, rules.cells)
    elseif kind == PART then
      obligations[i] = rules:part(i, behind)
    elseif BODIES[kind] then
      obligations[i] = rules:body(i, kind)
    else
      obligations[i] = rules:action(i, kind)
    end
    if kind ~= PART then behind = kind end
  end
  return obligations
end

-- The parts behind an obligation, nil where there are none.
local function parts_behind(where, obligations, o, stop)
  local parts = {}
  while o + 1 < stop and obligations[o + 1].kind == PART do
    o = o + 1
    if #parts == K.LIMIT_PARTS_MAX then refuse(where, "a text has more than " .. K.LIMIT_PARTS_MAX .. " values") end
    parts[#parts + 1] = obligations[o]
  end
  return #parts > 0 and parts or nil
end

local function check_body(where, policy, parts, kind)
  if policy.body == nil or policy.body_parts then refuse(where, "it has parts of a body, and no body or two") end
  if parts == nil then refuse(where, "a body has no parts") end
  policy.body_parts = { is_json = kind == K.OBLIGATION_JSON_BODY, parts = parts }
end

local function by_name(a, b) return a.name < b.name end

-- What a policy does by its obligations from `first` to `stop - 1`: `actions` on an allow, { kind, name, value, parts, policy = its
-- name }, as written; `answers`: headers of its denial, { name, value } by name; `body_parts`: { is_json, parts }; `limits`.
function M.check(where, policy, obligations, first, stop)
  local seen, actions, answers, redirects = {}, {}, {}, false
  local reading = limits_of.reading(where, policy.name)
  local cannot_allow = policy.guard or policy.effect == K.EFFECT_DENIES
  if first < stop and obligations[first].kind == PART then refuse(where, "it begins with a part") end
  for o = first, stop - 1 do
    local obligation = obligations[o]
    local kind = obligation.kind
    local answers_client = kind == K.OBLIGATION_SET_ANSWER_HEADER
    if BODIES[kind] then
      reading:close()
      check_body(where, policy, parts_behind(where, obligations, o, stop), kind)
    elseif kind ~= PART then
      if not answers_client and cannot_allow then
        refuse(where, "it cannot allow and has something to do on an allow")
      end
      if not reading:take(obligation) then
        local key = kind .. " " .. obligation.name
        if seen[key] then refuse(where, "it does one thing to one name twice") end
        seen[key] = true
        obligation.parts = parts_behind(where, obligations, o, stop)
        obligation.policy = policy.name
        local list = answers_client and answers or actions
        list[#list + 1] = obligation
        redirects = redirects or (answers_client and obligation.name == "location")
      end
    end
  end
  reading:finish(policy)
  if redirects ~= (REDIRECTS[policy.status] == true) then
    refuse(where, redirects and "it redirects without a status for it" or "it has a redirect's status and no `location`")
  end
  table.sort(answers, by_name)
  if #actions > 0 then policy.actions = actions end
  if #answers > 0 then policy.answers = answers end
end

return M
