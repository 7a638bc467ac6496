// The commented job file that `distributo init` writes. It runs as it is, with or without a Docker engine.

export const JOB_FILE_TEMPLATE = `# A job file for Distributo. Try it:   distributo run job.yaml
# Every field: docs/job-file.md. In editors: distributo config schema > schema.json

name: hello                      # a-z, 0-9 and "-"; runs are hello-1, hello-2, ...

image: busybox                   # not used where no Docker engine answers: then tasks run as plain processes
command: [sh, -c, 'echo "\${greeting} from task \${index}"; echo "\${index} squared is $((\${index} * \${index}))" > "square-\${index}.txt"']

# How many tasks, and what differs between them. One of these:
array: { count: 3 }                                # \${index} = 0, 1, 2
# array: { range: { from: 0, to: 1000, step: 100 } } # \${start} = 0, 100, ...  \${end} = 100, 200, ...
# array: { items: [red, green, blue] }             # \${item}
# array: { matrix: { size: [s, m], rate: [1, 2] } } # \${item.size}, \${item.rate}: every combination
# array: { file: pictures.csv }                    # \${item.COLUMN}: a task a line, or .jsonl

# Values you may change when you run it:   distributo run job.yaml --set greeting=Hi
parameters: { greeting: Hello, output: ./out }

# Files brought in before the start and taken out after success: local paths, https:// or s3://
# inputs: [{ url: ./data.csv, path: data.csv }]
outputs: [{ url: "\${output}/square-\${index}.txt", path: "square-\${index}.txt" }]

# What ONE task needs; as many run at once as fit.
resources: { cpu: 0.5, memory: 64MiB }
# Tries in all, and after which ends another one is made.
retry: { attempts: 2, on: [error, oom, image-pull], backoff: 5s }
timeout: 10m                     # longest time of one try

# env: { LOG_LEVEL: info }       # or a list; env_file: .env
# secrets: { TOKEN: "env:TOKEN" } # never stored or shown
# mounts: ["./data:/data:ro"]
# deadline: 2h                   # from now, or 2026-12-01T08:00Z
# depends_on: needs several jobs under "jobs:", see docs/job-file.md
`;
