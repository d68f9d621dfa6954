import type { Script } from './script.ts'

/** What programs beside the docker CLI rely on: statuses and words of refusals, odd paths, older versions of the API. */
export const dropInScripts: readonly Script[] = [
  {
    name: 'bodies that are no JSON',
    steps: `
      api POST /containers/create '{'
      api POST /containers/create 'x'
      api POST /containers/create '{a: 1}'
      api POST /containers/create '{"Image":"busybox"} {}'
      api POST /containers/nobody/exec '{"Cmd"'
      api POST /containers/nobody/update '[1 2]'
      api POST /networks/create '{"Name":tru'`,
  },
  {
    name: 'create refuses in dockerd’s words',
    steps: `
      api POST /containers/create '{"Image":"busybox","HostConfig":{"Tmpfs":{".":""}}}'
      api POST /containers/create '{"Image":"busybox","HostConfig":{"Tmpfs":{"//":""}}}'
      api POST /containers/create '{"Image":"busybox","HostConfig":{"Mounts":[{"Type":"tmpfs","Target":"/"}]}}'
      api POST /containers/create '{"Image":"busybox","HostConfig":{"Mounts":[{"Type":"volume","Target":"x"}]}}'
      api POST /containers/create '{"Image":"busybox","HostConfig":{"Annotations":{"":"x"}}}'
      api POST /../v1.43/containers/create '{"Image":"busybox","NetworkingConfig":{"EndpointsConfig":{"n1":{},"n2":{}}}}'
      docker create --name slash -w /tmp/../var/ busybox >/dev/null && docker inspect -f '{{.Config.WorkingDir}}' slash`,
  },
  {
    name: 'exec: an unknown user, a directory, a terminal that the start does not know of',
    steps: `
      @docker run -d --name ex busybox top
      api POST /containers/ex/exec '{"Cmd":["id"],"User":"nosuch"}'
      api POST /containers/ex/exec '{"Cmd":["id"],"User":"0:nosuch"}'
      docker exec -u nosuch ex id
      docker exec ex /etc >/dev/null 2>&1
      run() { id=$(api POST /containers/ex/exec "$1" | sed 's/.*"Id":"\\([0-9a-f]*\\)".*/\\1/'); api POST /exec/$id/start "$2" | od -c | head -3; }; run '{"AttachStdout":true,"Tty":true,"Cmd":["echo","x"]}' '{}'; run '{"AttachStdout":true,"Cmd":["echo","x"]}' '{"Tty":true}'
      api POST '/containers/ex/resize?h=-1&w=5'
      api POST '/containers/ex/resize?h=5&w=4294967296'
      api POST '/containers/ex/resize?h=5&w=x'`,
  },
  {
    name: 'links by their names',
    steps: `
      @docker run -d --name db busybox top
      @docker run -d --name app --link db:mysql --link db busybox top
      docker inspect -f '{{json .HostConfig.Links}}' app | tr ',' '\\n' | tr -d '[]' | sort
      docker inspect -f '{{.Name}}' app/mysql
      docker rename db db2
      docker rename app app2
      docker inspect -f '{{.Name}}' app2/mysql
      docker inspect -f '{{json .HostConfig.Links}}' app2 | tr ',' '\\n' | tr -d '[]' | sort
      docker exec app2/mysql echo reached
      docker inspect app/mysql`,
  },
  {
    name: 'platforms that are none',
    steps: `
      for platform in foobar '*' / linux/ a/b/c/d nintendo64 macos windows/amd64; do tar c -C /etc hostname | curl -sS --unix-socket "\${DOCKER_HOST#unix://}" -X POST "http://d/v1.51/images/create?fromSrc=-&platform=$platform" -H 'Content-Type: application/x-tar' --data-binary @- | cut -d: -f1-6 | sed 's/supported: .*/supported"}/'; done
      docker pull -q --platform foobar 127.0.0.1:1/none`,
  },
  {
    name: 'requests of API clients',
    steps: `
      api OPTIONS /containers/json
      api POST /containers/create '{}'
      api POST /containers/create '{"HostConfig":{}}'
      @docker run -d --name api1 busybox top
      api POST /containers/api1/exec '{"Cmd":[]}'
      @docker create --name modes -v /a --mount type=volume,target=/b --mount type=volume,source=n1,target=/c -v n2:/d busybox
      docker inspect -f '{{range .Mounts}}{{.Destination}}={{.Mode}};{{end}}' modes | tr ';' '\\n' | sort
      id=$(api POST '/commit?container=api1&repo=made-commit' '{"Labels":{"a":"b"},"Env":["X=y"]}'); docker inspect -f '{{json .Config.Cmd}} {{json .Config.Labels}} {{json .Config.Env}}' made-commit
      id=$(api POST /containers/api1/exec '{"Cmd":["true"]}' | cut -d'"' -f4); docker restart -t 0 api1 >/dev/null; api POST /exec/$id/start '{}'`,
  },
  {
    name: 'links that are taken away, and containers that were never started',
    steps: `
      @docker run -d --name one busybox top
      @docker create --name two --link one --link one:alias busybox
      docker rm --link two/alias
      docker inspect -f '{{json .HostConfig.Links}}' two
      docker rm --link two/one
      docker inspect -f '{{json .HostConfig.Links}}' two
      docker create --name dir -w /made/here busybox >/dev/null; echo x > f; docker cp f dir:/made/here/f; docker cp dir:/made/here - | tar t
      docker run --name ended --hostname myname busybox true; docker cp ended:/etc/hostname - | tar xO`,
  },
]
