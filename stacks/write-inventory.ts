/** `npm run inventory`: writes what is derived from the program anew; the change is reviewed as a diff. */
import { readFileSync, writeFileSync } from "node:fs";
import { parseDocument } from "yaml";
import { record } from "../components/record";
import { PROFILE_NAMES } from "./config/features";
import { configurationPage, declarations } from "./config/reference";
import { inventory, profileConfig } from "./inventory";
import { lab } from "./lab";

function write(file: string, text: string): void {
  writeFileSync(file, text);
  console.log(`wrote ${file}`);
}

async function main(): Promise<void> {
  const project = parseDocument(readFileSync("Pulumi.yaml", "utf8"));
  project.set("config", declarations());
  write("Pulumi.yaml", project.toString({ lineWidth: 0 }));
  write("docs/configuration.md", configurationPage());
  for (const profile of PROFILE_NAMES) {
    write(`stacks/inventory.${profile}.yaml`, inventory(await record(() => lab(profileConfig(profile)), profile)));
  }
}

if (require.main === module) void main();
