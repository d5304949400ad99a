/** Exit codes; other programs rely on them. */

export const EXIT_SUCCESS = 0;
/** The policy text has errors, and nothing was written; or it is not formatted, with `fmt --check`. */
export const EXIT_POLICY_ERRORS = 1;
/** `test`: a test failed, or the tests see too little of the policies. */
export const EXIT_TESTS_FAILED = 1;
/** Wrong usage, or input that cannot be read or is not valid. */
export const EXIT_INPUT = 2;
/** `eval` and `explain`: the decision is deny. */
export const EXIT_DENY = 3;

/** Ends a command: `message` goes to stderr. */
export class Failure extends Error {
  readonly code: number;

  constructor(message: string, code = EXIT_INPUT) {
    super(message);
    this.code = code;
  }
}
