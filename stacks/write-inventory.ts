/** `npm run inventory`: writes stacks/inventory.<environment>.yaml anew; the change is reviewed as a diff. */
import { writeFileSync } from "node:fs";
import { record } from "../components/record";
import { environmentConfig, inventory } from "./inventory";
import { lab } from "./lab";

export const ENVIRONMENTS = ["local", "dev"];

async function main(): Promise<void> {
  for (const environment of ENVIRONMENTS) {
    const file = `stacks/inventory.${environment}.yaml`;
    writeFileSync(file, inventory(await record(() => lab(environmentConfig(environment)), environment)));
    console.log(`wrote ${file}`);
  }
}

if (require.main === module) void main();
