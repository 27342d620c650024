/** What the page was built with: the model and the package's constants, and what people call things. */
const element = document.getElementById("contract");

export const { contract, words } = JSON.parse(element.textContent);
