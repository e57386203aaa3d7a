/** `npx sparklab` over another project than this one: node run-in.cjs FOLDER WORD... */
require("tsx/cjs/api").register();
const [root, ...words] = process.argv.slice(2);
void require("../main.ts")
  .main(words, { root })
  .then((code) => (process.exitCode = code));
