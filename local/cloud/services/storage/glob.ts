/**
 * `matchGlob` of objects.list as a regular expression.
 * Source: docs "List objects", section "Filter results by using a glob": `*` within a folder, `**` across folders, `?` one
 * character that is not `/`, `[abc]`, `[a-z]`, `[!abc]`, `{a,b}`, backslash quotes.
 */
import { invalid } from "./answers";

export function globToRegExp(glob: string): RegExp {
  let source = "";
  let braces = 0;
  for (let at = 0; at < glob.length; at++) {
    const character = glob[at]!;
    if (character === "\\" && at + 1 < glob.length) source += quote(glob[++at]!);
    else if (character === "*" && glob[at + 1] === "*") {
      at++;
      // `**/` also matches no folder at all
      if (glob[at + 1] === "/" && (at === 1 || glob[at - 2] === "/")) {
        at++;
        source += "(?:[\\s\\S]*/)?";
      } else source += "[\\s\\S]*";
    } else if (character === "*") source += "[^/]*";
    else if (character === "?") source += "[^/]";
    else if (character === "[") {
      const end = glob.indexOf("]", at + 2);
      if (end < 0) throw invalid(`Invalid value for matchGlob: ${glob} (unclosed "[")`);
      const set = glob.slice(at + 1, end);
      const negated = set[0] === "!" || set[0] === "^";
      source += `[${negated ? "^/" : ""}${set.slice(negated ? 1 : 0).replace(/[\\\]^]/g, "\\$&")}]`;
      at = end;
    } else if (character === "{") {
      braces++;
      source += "(?:";
    } else if (character === "}" && braces > 0) {
      braces--;
      source += ")";
    } else if (character === "," && braces > 0) source += "|";
    else source += quote(character);
  }
  if (braces > 0) throw invalid(`Invalid value for matchGlob: ${glob} (unclosed "{")`);
  return new RegExp(`^${source}$`, "u");
}

/** In a `u` pattern only syntax characters may be quoted. */
const quote = (character: string) => character.replace(/[.*+?^${}()|[\]\\/]/, "\\$&");
