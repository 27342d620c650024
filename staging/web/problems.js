/** What is wrong with a file and how to mend it, in one sentence that a person reads. */
export class Problem extends Error {
  /**
   * @param {string} where the file
   * @param {string} what what is wrong with it
   * @param {string} mend what to do
   */
  constructor(where, what, mend) {
    super(`${where}: ${what}; ${mend}.`);
    this.name = "Problem";
  }
}
