// Job files that use most of the form: what mutations start from and the schema must accept. All are valid with
// `aJobFileContext()`; those of examples/ and the one that `init` writes come besides.

import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { JOB_FILE_TEMPLATE } from '../../src/shells/job-file/template.ts';

export type ExampleFile = { readonly name: string; readonly text: string };

const SCREENING = `# Three jobs, one after the other.
name: screening
deadline: 6h
budget: 120 USD
labels:
  project: kinase
  owner: "team 7"
parameters:
  output: s3://results/screening
  site: 7abc

x-small: &small
  image: ghcr.io/lab/tools:2.1
  resources: &resources
    cpu: 500m
    memory: 1000MiB
  retry:
    attempts: 3
    on: [error, oom, image-pull, "exit:75"]
    backoff: 10s

jobs:
  prepare:
    <<: *small
    command: prepare --site \${site} 'two words'
    timeout: 30m
    outputs:
      - url: \${output}/site.pdbqt
        path: site.pdbqt
  dock:
    <<: *small
    entrypoint: [dock]
    command:
      - --site
      - site.pdbqt
      - --from
      - \${start}
      - --to
      - "\${end}"
    array:
      range:
        from: 0
        to: 22000
        step: 100
    resources:
      cpu: 2
      memory: 3500MiB
      disk: 10GB
    inputs:
      - url: "\${output}/site.pdbqt"
        path: site.pdbqt
    outputs:
      - { url: "\${output}/dock/\${index}.sdf", path: "poses-\${start}.sdf" }
    depends_on: [prepare]
    estimate:
      duration: 27m
      peak_memory: 3GiB
    priority: 70
  report:
    <<: *small
    depends_on:
      dock: any-end
    command: |
      sh -c 'set -e
      cat poses-* > all.sdf'
    env:
      LEVEL: info
      WORKERS: 4
    stop_grace_period: 30s
`;

const SWEEP = `name: sweep
image: python:3.12-slim
workdir: /workspace
entrypoint: ["python3", "train.py"]
command: ["--rate", "\${item.rate}", "--layers", "\${item.layers}"]
array:
  matrix:
    rate: [0.1, 0.01, 0.001]
    layers: [2, 4]
env:
  - OMP_NUM_THREADS=1
  - HOME
secrets:
  API_TOKEN: env:TOKEN
  /run/secrets/key: file:key.pem
mounts:
  - ./data:/data:ro
  - type: tmpfs
    target: /scratch
resources:
  cpu: 1.5
  memory: 2GB
  gpu: 1
  shm_size: 1GiB
  ports: [8080]
user: host
platform: linux/amd64
pull: always
network: none
init: false
timeout: 2h30m
start_timeout: 15m
max_duration: 1d
container:
  pids_limit: 256
  ulimits:
    nofile: 65536
    core: { soft: 0, hard: 0 }
  extra_hosts: ["db:10.0.0.7"]
`;

const PIPELINE = `{
  "name": "variants",
  "executors": [
    {
      "image": "lab/align:1.0",
      "command": ["align", "in.fq"],
      "stdout": "aligned.sam",
      "workdir": "/workspace"
    },
    {
      "image": "lab/call:2.3",
      "command": ["call"],
      "stdin": "aligned.sam",
      "stdout": "variants.vcf",
      "env": { "MIN_DEPTH": "10" }
    }
  ],
  "array": {
    "items": [
      { "sample": "NA12878", "lane": 1 },
      { "sample": "NA12891", "lane": 2 }
    ]
  },
  "inputs": [
    { "url": "https://example.org/\${item.sample}_L\${item.lane}.fq", "path": "in.fq" }
  ],
  "outputs": [
    { "url": "results/\${item.sample}.vcf", "path": "variants.vcf" }
  ],
  "retry": { "attempts": 2, "max_interruptions": 5, "oom_memory_factor": 1.5 },
  "resources": { "cpu": "2 vCPU", "memory": "4GiB", "disk": "20GiB" }
}
`;

/** Job files of the examples' folders. */
function exampleFolders(): readonly ExampleFile[] {
  // Compiled to dist/test/support.
  const folder = fileURLToPath(new URL('../../../examples/', import.meta.url));
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => /(?:^|\/)job\.ya?ml$/.test(path) && !path.includes('node_modules'))
    .sort()
    .map((path) => ({ name: `examples/${path}`, text: readFileSync(folder + path, 'utf8') }));
}

export function jobFileExamples(): readonly ExampleFile[] {
  const yaml = [
    { name: 'screening.yaml', text: SCREENING },
    { name: 'sweep.yaml', text: SWEEP },
    { name: 'init.yaml', text: JOB_FILE_TEMPLATE },
    ...exampleFolders(),
  ];
  const json = yaml.map(({ name, text }) => ({
    name: name.replace(/\.yaml$/, '.json'),
    text: `${JSON.stringify(parse(text, { merge: true }), null, 2)}\n`,
  }));
  return [...yaml, { name: 'variants.json', text: PIPELINE }, ...json];
}
