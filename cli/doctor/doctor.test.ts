/** What each check of the doctor says, and what mends it. */
import type { Finding } from "./finding";
import { checkDisk, checkMemory, checkNode, checkPort } from "./machine";
import { checkDoor, checkLocks, checkProcesses, type LabProcess } from "./processes";
import { checkAuthority, checkContract, checkSecrets, checkStack } from "./records";
import { checkJava, checkManifest, checkNpm, checkPython, checkSetUp } from "./tools";

const told = (finding: Finding | Finding[]) =>
  [finding]
    .flat()
    .map(({ status, text, fix, repair }) =>
      [status, text, ...(fix ? [fix] : []), ...(repair ? [repair.do] : [])].join(" | "),
    );

const cloud: LabProcess = { pid: 7, parent: 1, began: "b", kind: "cloud", seconds: 500 };
const bigquery: LabProcess = { ...cloud, pid: 8, parent: 7, kind: "bigquery" };
const spark: LabProcess = { ...cloud, pid: 9, kind: "spark", hasFolder: true };
const now = new Date("2026-06-01T00:00:00Z");
const LOCK =
  "numpy==1.26.4 ; python_full_version < '3.13' \\\n    --hash=a\nnumpy==2.1.3 ; python_full_version >= '3.13'\nTyping_Extensions==4.1\nextra[grpc]==1.0 \\\n";

describe("a check says what is found and what mends it:", () => {
  it.each<[string, Finding | Finding[], string]>([
    [
      "an old Node",
      checkNode("20.9.0", ">=20.18.1"),
      "wrong | Node: got 20.9.0; expected 20.18.1 or newer | install one from https://nodejs.org",
    ],
    ["a new Node", checkNode("22.0.0", ">=20.18.1"), "good | Node 22.0.0"],
    [
      "a full disk",
      checkDisk("/lab", 1999),
      "wrong | Disk of /lab: got 1999 MB free; expected 2000 MB | make room, or set SPARKLAB_LAB",
    ],
    ["room on the disk", checkDisk("/lab", 2000), "good | 2000 MB free at /lab"],
    ["no memory", checkMemory(2999), "wrong | Memory: got 2999 MB available; expected 3000 MB | end other programs"],
    ["memory", checkMemory(3000), "good | 3000 MB of memory available"],
    ["a free port", checkPort({ port: 8470, isTaken: false }), "good | port 8470 is free"],
    ["any port", checkPort({ port: 0, isTaken: false }), "good | the system chooses the port"],
    [
      "a taken port",
      checkPort({ port: 8470, isTaken: true }),
      "wrong | Port 127.0.0.1:8470: got another program; expected it free | SPARKLAB_PORT=0 npx sparklab up",
    ],
    [
      "an open door",
      checkPort({ port: 8470, doorPort: 8470, isTaken: true }),
      "good | the cloud listens on 127.0.0.1:8470",
    ],
    [
      "a door elsewhere",
      checkPort({ port: 8470, doorPort: 9000, isTaken: true }),
      "note | the cloud listens on 9000, the setting is 8470 | npx sparklab down && npx sparklab up",
    ],
    ["a whole manifest", checkManifest(undefined), "good | all tools are there"],
    ["a missing tool", checkManifest("java: no file /x"), "wrong | java: no file /x | npm start"],
    ["Java 17", checkJava("/j", 'IMPLEMENTOR="x"\nJAVA_VERSION="17.0.15"\n'), "good | Java 17.0.15"],
    ["Java 21", checkJava("/j", 'JAVA_VERSION="21"'), "wrong | Java of /j: got 21; expected 17 | npm start"],
    ["no Java", checkJava("/j", undefined), "wrong | Java of /j: got no release file; expected 17 | npm start"],
    [
      "Python packages",
      checkPython("spark", LOCK, [
        "numpy-2.1.3.dist-info",
        "typing_extensions-4.1.dist-info",
        "extra-1.0.dist-info",
        "numpy",
      ]),
      "good | 3 packages as locked",
    ],
    [
      "a package left out by its marker",
      checkPython("spark", LOCK, ["typing.extensions-4.1.dist-info", "extra-1.0.dist-info"]),
      "good | 3 packages as locked",
    ],
    [
      "other Python packages",
      checkPython("spark", LOCK, ["numpy-1.0.dist-info", "extra-1.0.dist-info"]),
      "wrong | numpy: got 1.0; expected 1.26.4 or 2.1.3; typing-extensions: got none; expected 4.1 | npm start",
    ],
    [
      "Python packages that nobody needed yet",
      checkPython("airflow", LOCK, undefined, true),
      "good | is installed when it is first needed",
    ],
    [
      "an environment that is not there",
      checkPython("spark", LOCK, undefined),
      "wrong | got none; expected what set-up installs | npm start",
    ],
    [
      "older Python packages of what was installed when it was needed",
      checkPython("airflow", "numpy==1.26.4 \\\n", ["numpy-1.0.dist-info"], true),
      "wrong | numpy: got 1.0; expected 1.26.4 | node local/setup/add.mjs airflow",
    ],
    [
      "npm packages",
      checkNpm(
        { "": {}, "node_modules/a": { version: "1" }, "node_modules/b": { version: "2", optional: true } },
        { "node_modules/a": { version: "1" } },
      ),
      "good | 1 packages as locked",
    ],
    [
      "other npm packages",
      checkNpm({ "node_modules/a": { version: "1" } }, { "node_modules/a": { version: "2" } }),
      "wrong | a: got 2; expected 1 | npm ci",
    ],
    [
      "node_modules of another origin",
      checkNpm({}, undefined),
      "wrong | node_modules was not made by npm from the lock file | npm ci",
    ],
    ["a whole set-up", checkSetUp({ unfinished: [], isRunning: false }), "good | none is half done"],
    ["a running set-up", checkSetUp({ unfinished: ["spark-1"], isRunning: true }), "good | a set-up runs"],
    [
      "a half-finished set-up",
      checkSetUp({ unfinished: ["spark-1"], isRunning: false }),
      "wrong | interrupted: spark-1 | npm start",
    ],
    ["no process", checkProcesses([], undefined), "good | 0 of this lab, none left over"],
    [
      "the processes of an open door",
      checkProcesses([cloud, bigquery, spark], 7),
      "good | 3 of this lab, none left over",
    ],
    [
      "a cloud without a door",
      checkProcesses([cloud], undefined),
      "wrong | cloud process 7 runs without an open door | kill 7 | end",
    ],
    [
      "a cloud that starts",
      checkProcesses([{ ...cloud, seconds: 3 }], undefined),
      "note | cloud process 7 is starting",
    ],
    [
      "a BigQuery engine without its cloud",
      checkProcesses([{ ...bigquery, parent: 1 }], undefined),
      "wrong | BigQuery engine 8 runs without its cloud | kill 8 | end",
    ],
    [
      "a batch that survived its cloud",
      checkProcesses([spark], undefined),
      "note | Spark process 9 works without a cloud, which finds it again | npx sparklab up",
    ],
    [
      "a batch whose folder is gone",
      checkProcesses([cloud, { ...spark, hasFolder: false }], 7),
      "wrong | Spark process 9 works for a batch that is gone | kill 9 | end",
    ],
    ["no cloud", checkDoor({ file: "/d", isRunning: false }), "good | does not run"],
    ["a cloud", checkDoor({ file: "/d", pid: 7, isRunning: true }), "good | runs as process 7"],
    [
      "a dead cloud",
      checkDoor({ file: "/d", pid: 7, isRunning: false }),
      "note | process 7 has died; the next start goes on from its state | npx sparklab up | remove",
    ],
    ["no lock", checkLocks([]), "good | none is held"],
    ["a held lock", checkLocks([{ path: "/l", holder: "up", isAlive: true }]), "good | held by up"],
    [
      "a dead lock",
      checkLocks([{ path: "/l", holder: "up", isAlive: false }]),
      "note | /l was left by up, which has died; the next command takes it over | npx sparklab doctor --fix | remove",
    ],
    ["no authority yet", checkAuthority("/ca", undefined, now), "good | made by the first start of the cloud"],
    [
      "a valid authority",
      checkAuthority("/ca", new Date("2026-07-01T00:00:00Z"), now),
      "good | valid until 2026-07-01",
    ],
    [
      "an authority that ends soon",
      checkAuthority("/ca", new Date("2026-06-30T00:00:00Z"), now),
      "wrong | expires on 2026-06-30 | npx sparklab down && rm -r /ca && npx sparklab up",
    ],
    [
      "an expired authority",
      checkAuthority("/ca", new Date("2026-05-31T00:00:00Z"), now),
      "wrong | expired on 2026-05-31 | npx sparklab down && rm -r /ca && npx sparklab up",
    ],
    ["closed key files", checkSecrets([{ path: "/k", mode: 0o600 }]), "good | 1 are yours alone"],
    [
      "an open key file",
      checkSecrets([{ path: "/k", mode: 0o640 }]),
      "wrong | /k: got mode 640; expected 600 | chmod 600 /k | protect",
    ],
    ["a clean contract", checkContract("/v", []), "good | every answer fitted Google's descriptions"],
    [
      "violations",
      checkContract("/v", ["{}", "{}"]),
      "wrong | 2 answers did not fit Google's descriptions, first: {} | report it with /v",
    ],
    [
      "a stack at rest",
      checkStack({ stack: "local", pending: [], isInterrupted: false }),
      "good | no operation is pending",
    ],
    [
      "an interrupted stack",
      checkStack({ stack: "local", pending: [], isInterrupted: true }),
      "note | its last deployment was interrupted; the next one goes on from there | npx sparklab up",
    ],
    [
      "pending operations",
      checkStack({ stack: "local", pending: ["urn:1"], isInterrupted: true }),
      "wrong | 1 operations were interrupted: urn:1 | npx sparklab up",
    ],
    [
      "a damaged state",
      checkStack({ stack: "local", pending: [], isInterrupted: false, problem: "cut off" }),
      "wrong | cut off | npx sparklab state import --file <the backup>",
    ],
  ])("%s", (_, finding, expected) => expect(told(finding)).toEqual([expected]));
});
