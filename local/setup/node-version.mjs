/**
 * Loaded first by every command, and written for any Node that knows modules: one clear line instead of a syntax error
 * from what comes after.
 */
export const oldestNode = [20, 18];

/** The line for a Node that is too old, or undefined. */
export function complainAboutNode(version) {
  const [major, minor] = version.split(".").map(Number);
  const fits = major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1]);
  if (fits) return undefined;
  return `Node is too old: got ${version}; expected ${oldestNode.join(".")} or newer. Install one from https://nodejs.org.`;
}

/** Says what is wrong, if anything, and on what; true if the command may go on. */
export function checkMachine() {
  const complaint =
    process.platform === "win32"
      ? "Windows itself is not supported: got win32; expected Linux or macOS. Run this inside WSL (`wsl --install`)."
      : complainAboutNode(process.versions.node);
  if (complaint === undefined) return true;
  process.stderr.write(`${complaint}\n`);
  process.exitCode = 2;
  return false;
}
