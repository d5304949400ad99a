/** Every diagnostic that the compiler can give: its stable id, what it means and what to do. docs/language.md shows the table. */

/** What to do about `not-implemented`, where there is no other way. */
export const NOT_ENFORCED = "remove it: this version refuses what it cannot enforce";

export const DIAGNOSTICS = {
  // --- text ---
  "bad-character": ["a character that means nothing here, or one that a reader cannot see", "remove it"],
  "bad-number": ["a number that is not spelled as in JSON", "write 0, 12, 1.5 or 2e3"],
  "bad-datetime": ["a datetime that RFC 3339 does not know", 'write one such as `"2027-01-31T18:00:00Z"`'],
  "bad-hours": ["a time zone, hours or days that nobody knows", 'write `is_business_hours("Europe/Berlin")`'],
  "empty-range": ["nothing lies in a range: its low end is above its high end", "exchange the ends"],
  "number-range": ["an int beyond ±9007199254740991, or a number that is not finite", "write a smaller one"],
  "bad-string": ["a string holds a raw control character or half a surrogate pair", "write it as an escape"],
  "bad-escape": ["a backslash in a string starts no escape of JSON", "write `\\\\` for a backslash"],
  "unterminated-string": ["a string has no closing quote", "close it"],
  "too-large": ["a text, type or bundle is larger than the format can hold", "split it"],
  "too-deep": ["conditions, aggregates or types are nested too deeply", "split them"],
  "too-many": ["more problems than are shown", "repair those that are shown, then compile again"],
  // --- syntax ---
  syntax: ["something else was expected here", "the message says what"],
  "not-implemented": ["a construct that this version cannot enforce", "remove it"],
  "unknown-declaration": ["a line in column 1 starts no declaration", "correct its first word, or indent it"],
  "indented-declaration": ["a declaration does not start in column 1", "move it to the start of its line"],
  "section-in-column-1": ["a section of a policy starts in column 1", "indent it"],
  "dotted-name": ["a name that must be one word has dots", "take the dots out"],
  "bad-enum": ["`<` and `,` are mixed in one enum", "use one of them"],
  "nested-list": ["a list holds lists", "put the inner list into a field of a `type`"],
  "no-effect": ["a policy says neither `requires` nor `allows` nor `denies`", "add one of them"],
  "several-effects": ["a policy has two different effects", "split it into two policies"],
  "duplicate-section": ["a policy has one section or line twice", "join them"],
  "empty-section": ["a section says nothing", "fill or remove it"],
  "empty-metadata": ["a metadata key has no value on its line", "write one"],
  "where-needs-one": [
    "a trailing `where` has not exactly one aggregate to its left",
    "write `count(xs where ...)`",
  ],
  "chained-comparison": ["comparisons are chained, as in `a < b < c`", "write `a < b and b < c`"],
  "no-expectation": ["a test expects nothing", "add `expect allow` or `expect deny`"],
  "beside-use": ["a section beside `use` that the template has to say", "make it a parameter"],
  "unknown-function": ["a name before `(` is no function", "use `count`, `any` or `all`"],
  // --- declarations ---
  "duplicate-name": ["a name is declared twice, be it in two files", "rename one"],
  "reserved-name": ["a name is a word of the language", "choose another"],
  "builtin-name": ["an attribute is named as a built-in one", "use the built-in one, or choose another name"],
  "ambiguous-name": ["an attribute's name could also be a field of a record", "choose another"],
  "unknown-type": ["a type is not declared", "declare it, or correct its name"],
  "recursive-type": ["a type contains itself", "take the cycle out"],
  "empty-type": ["a type has no fields", "add some, indented below it"],
  "missing-source": ["an attribute does not say where it comes from", "add `from ...`"],
  "unknown-source": ["no source has this name", "use header, query, cookie, capture, body or extension"],
  "bad-source": ["a source's name is malformed or names nothing", "correct it"],
  "unmarked-source": ["a fact from the client is not marked", "mark it `claimed` or `trusted`"],
  "marked-verified": ["a fact that is the operator's own is marked", "remove the marking"],
  "bad-verbatim": ["`verbatim` on something else than a header read as one value", "remove it"],
  "bad-resource": ["a resource's method or path can match no request", "correct it"],
  "ambiguous-resource": ["two resources match the same requests", "make one more specific"],
  "default-allow": ["requests that no policy speaks of are allowed", "remove `default allow`"],
  "unused-attribute": ["no policy reads an attribute", "remove it"],
  "unused-declaration": ["nothing reads a type, enum, constant or resource", "remove it"],
  "no-policies": ["nothing but the default decides", "add policies"],
  // --- reuse ---
  "bad-import": ["a file cannot be imported", "the message says why"],
  "import-cycle": ["files import each other", "move what they share into a file of its own"],
  "unknown-condition": ["no condition has this name", "declare it, or correct it"],
  "recursive-condition": ["a condition uses itself", "take the cycle out"],
  "unused-condition": ["nothing uses a condition", "remove it"],
  "unknown-template": ["no template has this name", "declare it, or correct it"],
  "unused-template": ["no policy uses a template", "remove it"],
  "unknown-parameter": ["a template has no parameter of this name", "correct it"],
  "missing-argument": ["a policy passes no value for a parameter", "pass one"],
  "bad-argument": ["what is passed to a template is no literal and no constant", "pass one"],
  "bad-set": ["a policy set, or what chooses it, is not sound", "the message says why"],
  "bad-data": ["a file of data cannot be read, or holds something else", "the message says what"],
  // --- conditions ---
  "unknown-attribute": ["a name or field is not declared", "declare it, or correct it"],
  "type-mismatch": ["a value has another type than its place wants", "the message says which"],
  "not-a-condition": ["a value stands where a condition must", "compare it with something"],
  "unknown-enum-value": ["a string is no member of the enum, or no resource", "correct it"],
  "unordered-enum": ["an unordered enum is asked for order", "declare it with `<`"],
  "bad-address": ["a string is no IP address", "correct it"],
  "bad-network": ["a string is no network, or has host bits set", "correct it"],
  "bad-pattern": ["a text is no pattern of `matches` or `like`", "correct it where the message says"],
  "pattern-too-large": ["a pattern would need too large a table", "anchor it, or ask for less"],
  "constant-comparison": ["both sides of a test are constants", "make one an attribute"],
  "constant-condition": ["a condition says the same on every request", "remove it"],
  "empty-list": ["a test against an empty list", "fill it"],
  "vacuous-all": ["`all` over a constant says nothing", "test the elements"],
  "where-needs-element": [
    "`where` over a list whose elements have no name",
    "declare the list as `list of item: ...`",
  ],
  "shadowed-name": ["a name hides another one", "choose another"],
  "unguarded-optional": ["an optional attribute may leave a trigger undecided", "say what its absence means"],
  "omittable-guard": [
    "a client switches a guard off by leaving something out",
    "let absence trigger the guard",
  ],
  "never-true": ["a condition that can never be true", "correct it, or remove it"],
  "always-true": ["a condition that is true whenever its values are there", "correct it, or remove it"],
  "redundant-condition": ["a part of a condition changes nothing", "remove it"],
  // --- policies ---
  "never-applies": ["a trigger that can never be true", "correct it, or remove the policy"],
  "never-holds": [
    "a requirement that is never true where its policy applies",
    "correct it; to deny always, write `denies`",
  ],
  "always-holds": ["a requirement that is true wherever its policy applies", "correct it, or write `allows`"],
  "duplicate-policy": ["two policies say the same", "remove one of them"],
  "shadowed-policy": ["a policy that others never let speak", "let their triggers differ, or remove one"],
  "missing-owner": ["a policy that can deny names no owner", "say whom to ask: `owner: team-name`"],
  "intent-contradicted": [
    "the sentence of a policy says one thing and its rule another",
    "change one of them, so that both say the same",
  ],
  "intent-unmentioned": [
    "the sentence of a policy and its rule do not speak of the same",
    "say it in both, or in none",
  ],
  "bad-allow-warning": [
    "`allow_warning` without a reason, or of something that is no warning of a policy",
    'write `allow_warning: claimed-grant because "the reason"`',
  ],
  "unused-allow-warning": ["a warning that is turned off is not given", "remove the line"],
  "guard-allows": ["a guard `allows`", "write `policy`"],
  "guard-on-allow": ["`on allow` in a guard", "put it into a policy"],
  "denies-on-allow": ["`on allow` in a policy that `denies`", "remove it"],
  "bad-status": ["a status that no denial can have", "use one of 400-599 that Envoy knows"],
  "bad-header": ["a header's name or value cannot be set", "use a name of your own, visible ASCII values"],
  "duplicate-header": ["a policy sets a header twice", "set it once"],
  "header-loop": ["a header that is set is also read", "read another header"],
  "obligation-conflict": [
    "two policies set a header to different values",
    "make their triggers exclude each other",
  ],
  "duplicate-metadata": ["a metadata key stands twice", "remove one"],
  "bad-metadata": ["a metadata value is not one of those allowed", "correct it"],
  "unknown-metadata": ["a metadata key looks like a misspelt one", "correct it, or use a name less alike"],
  "idle-expiry": ["an expiry changes nothing, or `on expiry` speaks of none", "write both, or neither"],
  "claimed-grant": [
    "a policy allows on what the client says of itself",
    "make sure that lying gains nothing",
  ],
  "comma-in-header": [
    "a header whose value usually has commas is read as one",
    "read it `verbatim` or as a list",
  ],
  "unsupported-by-target": [
    "the target of `--target` cannot supply a fact",
    "read another, or change the target",
  ],
  // --- tests ---
  "unknown-policy": ["a test names a policy that is not there", "correct it"],
  "derived-attribute": ["a test sets what follows from the request", "give the request that it follows from"],
} as const satisfies Readonly<Record<string, readonly [meaning: string, advice: string]>>;

/** Stable, `kebab-case`. */
export type DiagnosticId = keyof typeof DIAGNOSTICS;

/** Ids of warnings. `--strict` makes errors of them; a policy can turn those about itself off. */
export const WARNINGS = [
  "default-allow",
  "unused-attribute",
  "no-policies",
  "unused-condition",
  "unused-template",
  "constant-condition",
  "empty-list",
  "vacuous-all",
  "never-true",
  "always-true",
  "never-applies",
  "never-holds",
  "always-holds",
  "duplicate-policy",
  "shadowed-policy",
  "missing-owner",
  "unused-allow-warning",
  "obligation-conflict",
  "idle-expiry",
  "claimed-grant",
  "comma-in-header",
] as const satisfies readonly DiagnosticId[];

/** Ids of hints, which only `ipe check` and editors look for. Some are warnings in other circumstances. */
export const HINTS = [
  "unused-declaration",
  "redundant-condition",
  "intent-unmentioned",
  "shadowed-policy",
  "missing-owner",
] as const satisfies readonly DiagnosticId[];

/** Warnings and hints that are about no policy. */
export const OF_NO_POLICY: readonly DiagnosticId[] = [
  "default-allow",
  "unused-attribute",
  "unused-declaration",
  "no-policies",
  "unused-condition",
  "unused-template",
  "unused-allow-warning",
  "comma-in-header",
];
