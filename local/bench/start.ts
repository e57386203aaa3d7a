/** Where the time of `npm start` goes: each step of set-up as it was measured when it ran, each command as it runs now. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { toolsFolder } from "../engines/tools";
import { printRows, withTemporaryLab } from "./temporary-lab";

interface Stamp {
  seconds: number;
  megabytes: number;
}

async function main(): Promise<void> {
  const folder = join(toolsFolder, "done");
  const cold = readdirSync(folder).flatMap((file) => {
    const { seconds, megabytes } = JSON.parse(readFileSync(join(folder, file), "utf8")) as Stamp;
    const step = file.replace(/\.json$/, "");
    return [
      { what: `set-up, cold: ${step}`, ours: seconds, unit: "s" },
      ...(megabytes > 0 ? [{ what: `set-up, disk: ${step}`, ours: megabytes, unit: "MB" }] : []),
    ];
  });
  const warm = await withTemporaryLab(async ({ sparklab }) => {
    const rows = [];
    const commands = [["preview"], ["up"], ["up"], ["refresh"], ["run", "--quiet"], ["destroy"]];
    for (const [index, words] of commands.entries()) {
      const name = words.join(" ") === "up" && index === 2 ? "second up" : words.join(" ");
      rows.push({ what: `warm: ${name}`, ours: (await sparklab(...words)).seconds, unit: "s" });
    }
    return rows;
  });
  printRows([...cold, ...warm]);
}

void main();
