/** Where the time of `npm start` goes: each step of set-up as it was measured when it ran, each command as it runs now. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
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
    let started = 0;
    // What `npm start` runs, one after the other; then what it does not run.
    for (const command of ["up", "train"]) {
      const { seconds, output } = await sparklab(command);
      started += seconds;
      rows.push({ what: `warm: ${command}`, ours: seconds, unit: "s" });
      if (command === "train") rows.push(...tasksOf(output));
    }
    rows.push({ what: "warm: npm start after set-up", ours: started, unit: "s", goal: { atMost: 180 } });
    for (const command of ["up", "refresh", "destroy"])
      rows.push({ what: `warm: ${command} of a whole lab`, ours: (await sparklab(command)).seconds, unit: "s" });
    return rows;
  });
  printRows([...cold, ...warm]);
}

/** Seconds of each task, as the command line tells them when one is done. */
function tasksOf(output: string): object[] {
  const lines = stripVTControlCharacters(output).matchAll(/^ {2}done +(.+?) {2}(?:(\d+) min )?(\d+) s$/gm);
  return [...lines].map(([, task, minutes = "0", seconds]) => ({
    what: `warm: train: ${task}`,
    ours: 60 * Number(minutes) + Number(seconds),
    unit: "s",
  }));
}

void main();
