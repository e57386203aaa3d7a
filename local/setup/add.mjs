/** `node local/setup/add.mjs NAME...`: makes parts of the tools folder that are installed only when they are needed. */
import { asProgram, setUp } from "./set-up.mjs";

await asProgram(async ({ signal }) => {
  const demand = process.argv.slice(2);
  await setUp({ purpose: `adding ${demand.join(", ")}`, demand, signal }).then(({ finished }) => finished);
  return 0;
});
