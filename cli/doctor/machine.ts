/** Checks of the machine: Node, disk, memory, the door's port. */
import { good, note, wrong, type Finding } from "./finding";

/** @param range `>=20.18.1`, as package.json has it */
export function checkNode(version: string, range: string): Finding {
  const oldest = numbers(range);
  const isOld = compare(numbers(version), oldest) < 0;
  return isOld
    ? wrong(
        "node",
        `Node: got ${version}; expected ${oldest.join(".")} or newer`,
        "install one from https://nodejs.org",
      )
    : good("node", `Node ${version}`);
}

/** What the lab's own data and one more training take; below it a batch may end half way. */
const DISK_MB = 2000;

export function checkDisk(folder: string, freeMb: number): Finding {
  return freeMb < DISK_MB
    ? wrong(
        "disk",
        `Disk of ${folder}: got ${freeMb} MB free; expected ${DISK_MB} MB`,
        "make room, or set SPARKLAB_LAB",
      )
    : good("disk", `${freeMb} MB free at ${folder}`);
}

/** A Spark driver with its Python workers, the BigQuery engine and the cloud beside each other. */
const MEMORY_MB = 3000;

export function checkMemory(availableMb: number): Finding {
  return availableMb < MEMORY_MB
    ? wrong("memory", `Memory: got ${availableMb} MB available; expected ${MEMORY_MB} MB`, "end other programs")
    : good("memory", `${availableMb} MB of memory available`);
}

export interface PortFacts {
  port: number;
  /** Port of the cloud that runs for this lab. */
  doorPort?: number;
  /** Whether another program listens on it. */
  isTaken: boolean;
}

export function checkPort({ port, doorPort, isTaken }: PortFacts): Finding {
  if (doorPort !== undefined)
    return doorPort === port || port === 0
      ? good("port", `the cloud listens on 127.0.0.1:${doorPort}`)
      : note("port", `the cloud listens on ${doorPort}, the setting is ${port}`, {
          fix: "npx sparklab down && npx sparklab up",
        });
  return isTaken
    ? wrong("port", `Port 127.0.0.1:${port}: got another program; expected it free`, "SPARKLAB_PORT=0 npx sparklab up")
    : good("port", port === 0 ? "the system chooses the port" : `port ${port} is free`);
}

export function numbers(text: string): number[] {
  return (/\d+(\.\d+)*/.exec(text)?.[0] ?? "0").split(".").map(Number);
}

/** As versions compare: number by number, a missing one is 0. */
export function compare(left: readonly number[], right: readonly number[]): number {
  for (let at = 0; at < Math.max(left.length, right.length); at++) {
    const difference = (left[at] ?? 0) - (right[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
