/** Why the door cannot listen: names the port, who holds it where that can be found out, and what to do. */
import { readdir, readFile, readlink } from "node:fs/promises";
import { StartError } from "../errors";

/** An error for the user in place of Node's when a port cannot be had. */
export async function explainListenError(error: NodeJS.ErrnoException, port: number): Promise<Error> {
  if (error.code !== "EADDRINUSE" && error.code !== "EACCES") return error;
  const fix = "Choose another port: SPARKLAB_PORT=<port> npx sparklab up";
  if (error.code === "EACCES")
    return new StartError(`Port ${port} of 127.0.0.1: not permitted; expected a port from 1024 on. ${fix}`);
  const holder = await findHolder(port);
  return new StartError(
    `Port ${port} of 127.0.0.1: in use by ${holder ?? "another process"}; expected it to be free. Stop that process, or choose another port: SPARKLAB_PORT=<port> npx sparklab up`,
  );
}

/** The process that listens on a loopback port, from Linux's process table; undefined elsewhere or when hidden. */
async function findHolder(port: number): Promise<string | undefined> {
  const inodes = await listeningInodes(port);
  if (inodes.size === 0) return undefined;
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
    const links = await readdir(`/proc/${pid}/fd`).catch(() => []);
    for (const link of links) {
      // Processes of other users cannot be looked into; one that ends meanwhile is not the holder.
      const target = await readlink(`/proc/${pid}/fd/${link}`).catch(() => "");
      if (!inodes.has(target)) continue;
      const words = (await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")).split("\0").filter(Boolean);
      return `process ${pid} (${words.join(" ").slice(0, 120)})`;
    }
  }
  return undefined;
}

/** Who listens there is in the way of 127.0.0.1: itself, every address, and both as IPv6 writes them. */
const IN_THE_WAY = new Set(["0100007F", "00000000", "0".repeat(32), "0000000000000000FFFF00000100007F"]);

async function listeningInodes(port: number): Promise<Set<string>> {
  const LISTEN = "0A";
  const hexPort = port.toString(16).toUpperCase().padStart(4, "0");
  const tables = await Promise.all(
    ["tcp", "tcp6"].map((name) => readFile(`/proc/net/${name}`, "utf8").catch(() => "")),
  );
  const rows = tables.flatMap((table) => table.split("\n").slice(1)).map((row) => row.trim().split(/\s+/));
  const holders = rows.filter(([, local = "", , state]) => {
    const [address = "", at] = local.split(":");
    return IN_THE_WAY.has(address) && at === hexPort && state === LISTEN;
  });
  return new Set(holders.map((row) => `socket:[${row[9]}]`));
}
