/** The program outgrows what an instruction can address, or what a bundle can hold. */
export class TooLarge extends Error {
  constructor() {
    super("the policies need more code or constants than one bundle can hold");
  }
}
