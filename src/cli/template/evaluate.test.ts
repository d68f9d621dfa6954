import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileTemplate, evaluateTemplate } from './evaluate.ts'
import { Row } from './row.ts'

const data = {
  Name: 'web',
  Count: 3,
  Big: 12345678901234567890n,
  Empty: '',
  Nil: null,
  List: ['a', 'b', 'c'],
  Map: { b: 2, a: 1 },
  Deep: { Config: { Labels: { 'com.x/y': 'z' }, Id: 'abc' } },
  Ports: { '80/tcp': [{ HostIp: '0.0.0.0', HostPort: '8080' }] },
  Flag: true,
}

const cases: readonly { readonly template: string; readonly text: string }[] = [
  { template: 'plain', text: 'plain' },
  { template: '{{.Name}}', text: 'web' },
  { template: '{{.Nil}} {{.Missing}}', text: '<no value> <no value>' },
  { template: '{{.Count}} {{.Big}} {{.Flag}}', text: '3 12345678901234567890 true' },
  { template: '{{.List}} {{.Map}}', text: '[a b c] map[a:1 b:2]' },
  { template: '{{json .Map}} {{json .Name}} {{json .Nil}}', text: '{"b":2,"a":1} "web" null' },
  { template: '{{json .Big}}', text: '12345678901234567890' },
  { template: '{{range .List}}{{.}};{{end}}', text: 'a;b;c;' },
  { template: '{{range $i, $x := .List}}{{$i}}={{$x}} {{end}}', text: '0=a 1=b 2=c ' },
  { template: '{{range $k, $v := .Map}}{{$k}}{{$v}}{{end}}', text: 'a1b2' },
  { template: '{{range .Nil}}x{{else}}none{{end}}', text: 'none' },
  { template: '{{range .List}}{{if eq . "b"}}{{continue}}{{end}}{{.}}{{end}}', text: 'ac' },
  { template: '{{range .List}}{{if eq . "b"}}{{break}}{{end}}{{.}}{{end}}', text: 'a' },
  { template: '{{if .Empty}}y{{else if .Flag}}f{{else}}n{{end}}', text: 'f' },
  { template: '{{with .Deep.Config}}{{.Id}}{{end}}', text: 'abc' },
  { template: '{{with .Nil}}x{{else}}y{{end}}', text: 'y' },
  { template: '{{index .Deep.Config.Labels "com.x/y"}}', text: 'z' },
  { template: '{{(index .Ports "80/tcp" 0).HostPort}}', text: '8080' },
  { template: '{{(index (index .Ports "80/tcp") 0).HostPort}}', text: '8080' },
  { template: '{{.Ports}}', text: 'map[80/tcp:[{0.0.0.0 8080}]]' },
  { template: '{{len .List}}{{len .Name}}{{len .Map}}', text: '332' },
  {
    template: '{{printf "%-5s|%5s|%05d|%q|%v|%x|%.1f|%%" "a" "b" 7 "c" .List 255 1.25}}',
    text: 'a    |    b|00007|"c"|[a b c]|ff|1.3|%',
  },
  {
    template: '{{printf "%s" 1}} {{printf "%d" "x"}} {{printf "%s"}}',
    text: '%!s(int=1) %!d(string=x) %!s(MISSING)',
  },
  { template: '{{.Name | upper | printf "%s!"}}', text: 'WEB!' },
  {
    template: '{{join .List "-"}} {{split "a:b" ":"}} {{title "foo bar"}} {{lower "AB"}}',
    text: 'a-b-c [a b] Foo Bar ab',
  },
  { template: '{{truncate "abcdef" 3}}{{pad "x" 1 2}}|', text: 'abc x  |' },
  { template: '{{slice "hello" 1 3}} {{slice .List 1}}', text: 'el [b c]' },
  { template: '{{and 1 0}} {{or "" "x"}} {{not true}}', text: '0 x false' },
  {
    template: '{{eq .Count 3}} {{eq .Name "a" "web"}} {{ne 1 2}} {{lt 1 2}} {{ge 2 2}}',
    text: 'true true true true true',
  },
  { template: '{{$x := 1}}{{if true}}{{$x = 2}}{{end}}{{$x}}', text: '2' },
  { template: '{{$x := 1}}{{if true}}{{$x := 2}}{{end}}{{$x}}', text: '1' },
  { template: 'a {{- " b " -}} c', text: 'a b c' },
  { template: 'a{{/* nothing */}}b', text: 'ab' },
  { template: '{{define "t"}}<{{.}}>{{end}}{{template "t" .Name}}', text: '<web>' },
  { template: '{{block "t" .Name}}[{{.}}]{{end}}', text: '[web]' },
  { template: '{{print 1 2 "a" 3}} {{println "x"}}', text: '1 2a3 x\n' },
  { template: '{{`raw "x"`}} {{\'a\'}} {{"\\u0041\\t"}}', text: 'raw "x" 97 A\t' },
  { template: '{{html "<a>"}} {{urlquery "a b"}}', text: '&#60;a&#62; a+b' },
  { template: '{{range $i, $e := split .Name "e"}}{{if $i}}, {{end}}{{$e}}{{end}}', text: 'w, b' },
  { template: '{{.Deep.Config.ID}}', text: 'abc' },
  { template: '{{$.Name}}{{range .List}}{{$.Count}}{{end}}', text: 'web333' },
]

for (const { template, text } of cases) {
  test(`evaluateTemplate() of ${template}`, () => {
    assert.equal(evaluateTemplate(compileTemplate(template), data), text)
  })
}

const failures: readonly { readonly template: string; readonly message: string }[] = [
  { template: '{{.Name', message: 'template: :1: unclosed action' },
  { template: '{{foo}}', message: 'template: :1: function "foo" not defined' },
  { template: '{{end}}', message: 'template: :1: unexpected {{end}}' },
  { template: '{{if}}x{{end}}', message: 'template: :1: missing value for if' },
  { template: '{{range .List}}', message: 'template: :1: unexpected EOF' },
  { template: '{{ "abc }}', message: 'template: :1: unterminated quoted string' },
  { template: '{{$x}}', message: 'template: :1: undefined variable "$x"' },
  {
    template: '{{.Deep.Foo}}',
    message: 'template: :1:7: executing "" at <.Deep.Foo>: map has no entry for key "Foo"',
  },
  {
    template: '\n {{.Foo}}',
    message: 'template: :2:3: executing "" at <.Foo>: map has no entry for key "Foo"',
  },
  {
    template: '{{index .List 5}}',
    message: 'template: :1:2: executing "" at <index .List 5>: error calling index: index out of range: 5',
  },
]

for (const { template, message } of failures) {
  test(`a template fails as Go's does: ${JSON.stringify(template)}`, () => {
    assert.throws(() => evaluateTemplate(compileTemplate(template), data, { strictKeys: true }), { message })
  })
}

test('a row is a struct: its fields are found when asked for, methods take arguments, JSON goes by name', () => {
  const row = new Row('formatter.TestContext', {
    Names: () => 'n<',
    ID: 'i',
    Label: (name: string) => `l-${name}`,
  })
  assert.equal(
    evaluateTemplate(compileTemplate('{{.ID}} {{.Label "x"}} {{json .}}'), row),
    'i l-x {"ID":"i","Names":"n\\u003c"}',
  )
  assert.throws(() => evaluateTemplate(compileTemplate('{{.Foo}}'), row), {
    message:
      'template: :1:2: executing "" at <.Foo>: can\'t evaluate field Foo in type *formatter.TestContext',
  })
})
