/** Shell completion, made from the command tree: one script for each shell, which needs no Node while a person types. */
import type { Command, Option } from "commander";
import type { Shell } from "./requests";
import { commandTree } from "./tree";

type Takes = "nothing" | "stack" | "file" | "text";
interface Choice {
  names: string[];
  description: string;
  takes: Takes;
}
interface Level {
  /** Command words so far: `state export`; none for the whole. */
  path: string[];
  words: { name: string; description: string }[];
  options: Choice[];
}

export function completionScript(shell: Shell): string {
  return { bash, zsh, fish }[shell](levelsOf(commandTree(() => undefined)));
}

const FILES = new Set(["--file", "--data", "--policy-pack"]);

function levelsOf(command: Command, path: string[] = []): Level[] {
  const children = command.commands.map((child) => ({ name: child.name(), description: child.description() }));
  const choices = command.registeredArguments.flatMap(({ argChoices = [], description }) =>
    argChoices.map((name) => ({ name, description })),
  );
  const help = { names: ["-h", "--help"], description: "show help", takes: "nothing" } as const;
  const options = [...command.options.map(choiceOf), { ...help, names: [...help.names] }];
  const below = command.commands.flatMap((child) => levelsOf(child, [...path, child.name()]));
  return [{ path, words: [...children, ...choices], options }, ...below];
}

function choiceOf({ short, long, description, required }: Option): Choice {
  const names = [short, long].filter((name) => name !== undefined);
  const takes = !required ? "nothing" : long === "--stack" ? "stack" : FILES.has(long ?? "") ? "file" : "text";
  return { names, description, takes };
}

const namesThat = (levels: readonly Level[], takes: Takes) => [
  ...new Set(levels.flatMap(({ options }) => options.filter((o) => o.takes === takes).flatMap(({ names }) => names))),
];
const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;
const keyOf = ({ path }: Level) => quoted(path.join(" "));

/** Bash: the words before the cursor lead to a command; `compgen` picks among what it takes. */
function bash(levels: readonly Level[]): string {
  const taking = [...namesThat(levels, "stack"), ...namesThat(levels, "file"), ...namesThat(levels, "text")];
  const cases = levels.map(
    (level) =>
      `    ${keyOf(level)}) words=${quoted([...level.words.map(({ name }) => name), ...level.options.flatMap(({ names }) => names)].join(" "))} ;;`,
  );
  return `# Completion of sparklab for bash: eval "$(npx sparklab completion bash)"; alias sparklab='npx sparklab'
_sparklab() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD - 1]} path='' words='' word i
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    case "$word" in
      ${taking.join("|")}) ((i++)) ;;
      *) case "\${path:+$path }$word" in
        ${levels
          .filter(({ path }) => path.length > 0)
          .map(keyOf)
          .join("|")}) path="\${path:+$path }$word" ;;
      esac ;;
    esac
  done
  COMPREPLY=()
  case "$previous" in
    ${namesThat(levels, "stack").join("|")})
      for word in Pulumi.*.yaml; do word=\${word#Pulumi.}; words="$words \${word%.yaml}"; done
      COMPREPLY=($(compgen -W "$words" -- "$current")); return ;;
    ${namesThat(levels, "file").join("|")}) COMPREPLY=($(compgen -f -- "$current")); return ;;
    ${namesThat(levels, "text").join("|")}) return ;;
  esac
  case "$path" in
${cases.join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -F _sparklab sparklab
`;
}

/** Zsh: \`_arguments\` knows options, \`_describe\` lists commands. */
function zsh(levels: readonly Level[]): string {
  const cases = levels.map((level) => `    ${keyOf(level)}) _arguments ${zshArguments(level).join(" ")} ;;`);
  return `#compdef sparklab
# Completion of sparklab for zsh: eval "$(npx sparklab completion zsh)"; alias sparklab='npx sparklab'
_sparklab_stacks() {
  local -a stacks=(Pulumi.*.yaml(N))
  compadd -- \${\${stacks#Pulumi.}%.yaml}
}
_sparklab() {
  local found='' word
  while ((CURRENT > 2)); do
    word=$words[2]
    case "\${found:+$found }$word" in
      ${levels
        .filter(({ path }) => path.length > 0)
        .map(keyOf)
        .join("|")}) found="\${found:+$found }$word"; shift words; ((CURRENT--)) ;;
      *) break ;;
    esac
  done
  case "$found" in
${cases.join("\n")}
  esac
}
compdef _sparklab sparklab
`;
}

function zshArguments({ options, words }: Level): string[] {
  const safe = (text: string) => text.replaceAll("[", "(").replaceAll("]", ")").replaceAll(":", " -");
  const action = { nothing: "", stack: ":stack:_sparklab_stacks", file: ":file:_files", text: ":value: " };
  const flags = options.flatMap(({ names, description, takes }) =>
    names.map((name) => quoted(`${name}[${safe(description)}]${action[takes]}`)),
  );
  const listed = words.map(({ name, description }) => `${name}\\:${JSON.stringify(safe(description))}`).join(" ");
  return [...flags, ...(words.length > 0 ? [quoted(`1:command:((${listed}))`)] : []), quoted("*::rest: ")];
}

/** Fish: one line for each word and option, with the commands that must or must not stand before it. */
function fish(levels: readonly Level[]): string {
  const line = (level: Level) => {
    const here = level.path.map((word) => `__fish_seen_subcommand_from ${word}`);
    const children = level.words.map(({ name }) => name).join(" ");
    const notYet = children ? [`not __fish_seen_subcommand_from ${children}`] : [];
    const when = (conditions: string[]) => (conditions.length > 0 ? ` -n ${quoted(conditions.join("; and "))}` : "");
    const value = { nothing: " -f", stack: " -xa '(__sparklab_stacks)'", file: " -rF", text: " -x" };
    return [
      ...level.words.map(
        ({ name, description }) =>
          `complete -c sparklab -f${when([...here, ...notYet])} -a ${name} -d ${quoted(description)}`,
      ),
      ...level.options.map(({ names, description, takes }) => {
        const flags = names.map((name) => (name.startsWith("--") ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`));
        return `complete -c sparklab${when(level.path.length > 0 ? here : notYet)} ${flags.join(" ")}${value[takes]} -d ${quoted(description)}`;
      }),
    ];
  };
  return `# Completion of sparklab for fish: npx sparklab completion fish | source; alias sparklab='npx sparklab'
function __sparklab_stacks
  string replace -r '^Pulumi\\.(.*)\\.yaml$' '$1' Pulumi.*.yaml
end
${levels.flatMap(line).join("\n")}
`;
}
