"use strict";var $=Object.defineProperty;var Ee=Object.getOwnPropertyDescriptor;var Te=Object.getOwnPropertyNames;var Fe=Object.prototype.hasOwnProperty;var Oe=(t,e)=>{for(var n in e)$(t,n,{get:e[n],enumerable:!0})},_e=(t,e,n,r)=>{if(e&&typeof e=="object"||typeof e=="function")for(let o of Te(e))!Fe.call(t,o)&&o!==
n&&$(t,o,{get:()=>e[o],enumerable:!(r=Ee(e,o))||r.enumerable});return t};var je=t=>_e($({},"__esModule",{value:!0}),t);var St={};Oe(St,{hookChildren:()=>Z,hookTypeScript:()=>Re,noteSpecifier:()=>m,reportOwnWrites:()=>oe,setHost:()=>z});module.exports=je(St);var Ae;function l(){return Ae??=require("node:module")}function K(t){return t.startsWith("node:")||l().isBuiltin(t)}var D=/^\/[\w/.@-]*$/;function g(t){return D.
test(t)?`file://${t}`:require("node:url").pathToFileURL(t).href}function y(t){let e=t.slice(7);return D.test(e)?e:require("node:url").fileURLToPath(t)}var M;function z(t){M=t}var E=(...t)=>M?.cascadedLoader(...t),Y=()=>M?.hasInternals()===!0,R=t=>M?.internalModule(t),X=t=>M?.wrapResolve(t);var q="--expose-internals",T="FULCRUM_BOOTSTRAP",G="fulcrum.bootstrap";function V(){return["-r",`${__dirname}/bootstrap.cjs`]}function x(t){return t instanceof Error&&typeof t.stack=="string"&&t.stack.includes(`${__dirname}/`)&&(t.stack=t.stack.split(`
`).filter(e=>!Ce(e)).join(`
`)),t}function Ce(t){return t.includes(`${__dirname}/bootstrap.cjs`)||t.includes(`${__dirname}/loader.cjs`)}function k(t,e){let n=(o,i)=>{try{return i(e(o))}catch(s){throw x(s)}},r=new Proxy(t,{apply:(o,i,s)=>n(s,a=>Reflect.apply(o,i,a)),construct:(o,i,s)=>n(i,a=>Reflect.
construct(o,a,s===r?o:s))});return r}var P,F={child_process:$e,worker_threads:qe};function Z(t){P=t;let e=process.moduleLoadList??[];for(let n of Object.keys(F))e.includes(`NativeModule ${n}`)&&m(n);
Ie(),l().registerHooks||Le()}function m(t){let e=t.startsWith("node:")?t.slice(5):t;if(!P||!Object.hasOwn(F,e))return;let n=F[e];delete F[e],n?.(P),l().syncBuiltinESMExports()}
function Ie(){let t=process;t.getBuiltinModule&&(t.getBuiltinModule=k(t.getBuiltinModule,e=>(m(String(e[0])),e)))}function Le(){let t=`(function (native, note) \
{
  return { _load(request) {
    if (request === 'node:child_process' || request === 'node:worker_threads') note(request);
    return native.apply(this, arguments);
  } }._load;
})`,{runInThisContext:e}=require("node:vm"),n=l(),r=e(t,{filename:"node:internal/modules/cjs/loader"});n._load=r(n._load,m)}function $e(t){let e=require("node:child_process");
e.fork=k(e.fork,n=>{t.starting();let[r,o]=n,i=typeof o=="object"&&o!==null&&!Array.isArray(o)?1:2,s=n[i]??{};if(typeof s!="object"||s.execPath&&s.execPath!==process.
execPath)return n;let a=[...n];return typeof r=="string"&&(a[0]=t.entry(r)),a[i]={...s,execArgv:ee(s.execArgv||process.execArgv),env:We(s.env||process.env,t)},i===
2&&(a[1]??=[]),a})}function qe(t){let e=require("node:worker_threads"),n=k(e.Worker,r=>{t.starting();let o=r[1]??{};if(typeof o!="object")return r;e.setEnvironmentData(
G,te(t));let i=[...r];typeof r[0]=="string"&&!o.eval&&(i[0]=t.entry(r[0])),r[0]instanceof URL&&r[0].protocol==="file:"&&(i[0]=Ne(r[0],t));let s=o.execArgv??(t.preloaded?
Pe(o):process.execArgv);return Array.isArray(s)&&(i[1]={__proto__:o,execArgv:ee(s)}),i});Object.defineProperty(n.prototype,"constructor",{value:n,configurable:!0,
writable:!0,enumerable:!1}),e.Worker=n}function Pe({env:t}){let[e=0,n=0]=process.versions.node.split(".").map(Number);return e===20&&n<18&&typeof t=="object"&&t!==
null?[]:void 0}function Ne(t,e){let{fileURLToPath:n,pathToFileURL:r}=require("node:url"),o=n(t),i=e.entry(o);if(i===o)return t;let s=r(i);return s.search=t.search,
s.hash=t.hash,s}function ee(t){let e=V(),n=t.includes(e[1])?[]:e;return[...Y()&&!t.includes(q)?[q]:[],...n,...t]}function We(t,e){return t[T]===void 0?{...t,[T]:JSON.
stringify({...JSON.parse(te(e)),hidden:!0})}:t}function te(t){return process.env[T]??t.config}var He=250,ne=200,Je=64*1024,Ue=/\.(?:[cm]?[jt]sx?|json|node)$/,Be={writeFile:0,writeFileSync:0,appendFile:0,appendFileSync:0,truncate:0,truncateSync:0,rename:1,
renameSync:1,copyFile:1,copyFileSync:1},Qe=["open","openSync"];function oe(t,e){let n=require("node:fs"),{appendFileSync:r,statSync:o,writeFileSync:i}=n;e&&(o(t,
{throwIfNoEntry:!1})?.size??0)>Je&&i(t,"");let s=new Map,a=u=>{let c=De(u);if(c===void 0||!Ue.test(c)||c.includes("/node_modules/")||c.includes(`
`))return;let p=Date.now(),b=s.get(c)??{last:0,count:0};if(!(p-b.last<He||b.count>ne)){s.set(c,{last:p,count:b.count+1});try{r(t,`${b.count<ne?p:"*"} ${c}
`)}catch{}}},d=u=>{for(let[c,p]of Object.entries(Be))re(u,c,b=>a(b[p]));for(let c of Qe)re(u,c,p=>{Ke(p[1])&&a(p[0])})};d(n),d(n.promises),l().syncBuiltinESMExports()}
function re(t,e,n){let r=t[e];typeof r=="function"&&(t[e]=k(r,o=>(n(o),o)))}function Ke(t){return typeof t=="string"?/[wa+]/.test(t):typeof t=="number"&&(t&3)!==
0}function De(t){try{if(t instanceof URL)return require("node:url").fileURLToPath(t);let e=typeof t=="string"?t:Buffer.isBuffer(t)?t.toString():void 0;return e===
void 0||e===""?void 0:e.startsWith("/")&&!e.includes("/.")?e:require("node:path").resolve(e)}catch{return}}function se(t){let e,n=E(!1,()=>{require("internal/modules/esm/resolve"),e=require("internal/modules/esm/load")}),r=n?.load;if(!e||!n||typeof r!="function"||typeof n.
resolve!="function")return!1;ze(n,t),n.load=function(s,a){let d=t.load(s,a.importAttributes);return d?{...d,responseURL:s}:r.call(this,s,a)};let o=e,{defaultLoadSync:i}=o;
return typeof i=="function"&&(o.defaultLoadSync=(s,a)=>{let d=t.loadRequired(s,!0);return d?{...d,responseURL:s}:i(s,a)}),!0}function ze(t,e){let n=!1;for(let r of[
"resolve","resolveSync","defaultResolve"]){let o=t[r];typeof o=="function"&&(t[r]=function(i,s,...a){if(n)return o.call(this,i,s,...a);n=!0;try{return Ye(e,`${i}`,
s,a[0],()=>o.call(this,i,s,...a))}finally{n=!1}})}}function Ye(t,e,n,r,o){m(e);let i=t.query(e,n),s=u=>(t.note(i,n,u.url,r),u),a=u=>{let c=t.afterFailure(i);if(c===
void 0)throw x(u);return s({url:c})},d=t.before(i);if(d!==void 0)return s({url:d});try{let u=o();return u instanceof Promise?u.then(s,a):s(u)}catch(u){return a(
u)}}function ie(t,e){let[n="",...r]=t;return o=>{let i=JSON.stringify({v:2,node:process.versions.node,...o}),s=e().spawnSync(n,[...r,i],{encoding:"utf8",maxBuffer:268435456,
stdio:["ignore","pipe","pipe"],windowsHide:!0}),[a=""]=Object.values(o);if(s.error)throw new Error(`${a}: cannot run ${n}, which compiles TypeScript: ${s.error.
message}`);if(s.status!==0){let d=s.stderr.trim()||`${n} exited with ${s.signal??`code ${s.status}`}`;throw new SyntaxError(d.includes(a)?d:`${a}: ${d}`)}try{let d=JSON.
parse(s.stdout);if(typeof d=="object"&&d!==null)return d}catch{}throw new Error(`${a}: ${n} printed no JSON object, so the file cannot be loaded: is it the fulc\
rum that started this process?`)}}var Xe=[{says:/^ReferenceError: (__dirname|__filename) is not defined/,cure:"use import.meta.dirname or import.meta.filename (Node 20.11 and later), or name the\
 file .cts to make it CommonJS"},{says:/^ReferenceError: (require|module|exports) is not defined/,cure:"use import and export, or createRequire(import.meta.url)\
 of node:module, or name the file .cts to make it CommonJS"},{says:/^SyntaxError: Cannot use 'import\.meta' outside a module/,cure:'set "type": "module" in pack\
age.json, or name the file .mts to make it an ES module'}],Ge={module:/\b(?:__dirname|__filename|require|module|exports)\b/,commonjs:/\bimport\.meta\b/},ae=!1;function de({
code:t,format:e}){ae||!Ge[e].test(t)||(ae=!0,process.on("uncaughtExceptionMonitor",n=>{if(!(n instanceof Error)||typeof n.stack!="string")return;let r=`${n.name}\
: ${n.message}`,o=Xe.find(({says:a})=>a.test(r)),i=n.stack.indexOf(r);if(!o||i<0)return;let s=i+r.length;n.stack=`${n.stack.slice(0,s)}
hint: ${o.cure}${n.stack.slice(s)}`}))}var ge=require("node:fs");var ue=require("node:fs");var O=class{aliases=!1;maps=!1;#e=new Map;#t={import:new Map,require:new Map};#n=new Set;#r=new Set;#o=new Set;add(e){e.aliases&&(this.aliases=!0),e.maps&&(this.
maps=!0);for(let n of e.inputs??[])this.#r.add(n);for(let[n,r]of Object.entries(e.files??{}))this.#e.set(n,r),this.#n.add(n),this.#o.add(S(n));this.#s("import",
e.imports),this.#s("require",e.requires)}#s(e,n){for(let[r,o]of Object.entries(n??{})){this.#n.add(r),this.#t[e].set(r,new Map(Object.entries(o)));for(let i of Object.
values(o))this.#n.add(i)}}file(e){return this.#e.get(e)}target(e,n,r){return this.#t[e].get(n)?.get(r)}setTarget(e,n,r,o){let i=this.#t[e],s=i.get(n)??new Map;i.
set(n,s.set(r,o))}knows(e){return this.#n.has(e)}setKnown(e){this.#n.add(e)}has(e){return this.#o.has(e)}inputs(){return this.#r}};function S(t){let e=t.lastIndexOf(
".");return e>t.lastIndexOf("/")+1?t.slice(e):""}var Ve=/\.(?:[mc]?ts|tsx|jsx)$/;function h(t){return Ve.test(t)}function f(t){return t.includes("/node_modules/")}function ce(t,e,n){let r=R("internal/deps/cjs-module-lexer/lexer")?.parse??et,o=new Set,i=new Set,s=(d,u)=>{if(!i.has(d)){i.add(d);try{let c=r(u);for(let p of c.
exports)o.add(p);for(let p of c.reexports)a(l().createRequire(d).resolve(p))}catch{}}},a=d=>{if(!d.startsWith("/"))return;let u=!f(d)&&n.covers(d)?n.load(d):void 0;
if(u?.exports)for(let c of u.exports)o.add(c);else s(d,u?.code??(0,ue.readFileSync)(d,"utf8"))};return s(t,e),[...o]}var Ze=new RegExp([String.raw`//.*|/\*[\s\S]*?\*/`,
String.raw`(?:\bmodule\.|(?<![\w$.]))exports\s*(?:\.\s*(?<dotted>[\w$]+)|\[\s*(?<quote>['"])(?<keyed>.*?)\k<quote>\s*\])\s*=(?!=)`,String.raw`\bdefineProperty\s*\(\s*(?:module\.)?exports\s*,\s*(?<q2>['"])(?<defined>.*?)\k<q2>`,
String.raw`\bmodule\.exports\s*=\s*(?:require\s*\(\s*(?<q3>['"])(?<whole>.*?)\k<q3>|(?<literal>\{))`,String.raw`\b\w*export_?star\s*\(\s*require\s*\(\s*(?<q4>['"])(?<star>.*?)\k<q4>`,
String.raw`'(?:[^'\\\n]|\\[\s\S])*'|"(?:[^"\\\n]|\\[\s\S])*"|`+"`(?:[^`\\\\]|\\\\[\\s\\S])*`"].join("|"),"gi");function et(t){let e=new Set,n=new Set;for(let{index:r,
0:o,groups:i={}}of t.matchAll(Ze)){let s=i.dotted??i.keyed??i.defined;s!==void 0&&e.add(s),i.star!==void 0&&n.add(i.star),i.whole!==void 0&&(n=new Set([i.whole])),
i.literal!==void 0&&nt(t,r+o.length,e,n)}return{exports:e,reexports:n}}var tt=/\/\/.*|\/\*[\s\S]*?\*\/|'(?:[^'\\\n]|\\[\s\S])*'|"(?:[^"\\\n]|\\[\s\S])*"|`(?:[^`\\]|\\[\s\S])*`|\.\.\.\s*require\s*\(\s*(['"])(?<spread>.*?)\1\s*\)|[\w$]+|[([{]|[)\]}]|,|\S/g;
function nt(t,e,n,r){let o=new RegExp(tt);o.lastIndex=e;let i=0,s=!0;for(let a=o.exec(t);a;a=o.exec(t)){let[d]=a;if(!(d.startsWith("//")||d.startsWith("/*"))){if(/^[)\]}]$/.
test(d)&&--i<0)return;if(s&&a.groups?.spread!==void 0)r.add(a.groups.spread);else{if(s&&/^(?:get|set|async)$/.test(d)&&/^\s+[\w$]/.test(t.slice(o.lastIndex)))continue;
s&&/^[\w$]/.test(d)?n.add(d):s&&/^['"]/.test(d)&&n.add(d.slice(1,-1))}/^[([{]$/.test(d)&&i++,s=i===0&&d===","}}}var rt=`
//# sourceURL=node:internal/modules/esm/translators`,le=t=>t!=="default"&&t!=="module.exports"&&ot(t);function ot(t){try{return encodeURIComponent(t),!0}catch{return!1}}
function N(t,e,n=!1){let r=[...new Set(e)].filter(le),o=parseInt(process.versions.node,10)>=23?',e as"module.exports"':"";return`import m from"node:module";cons\
t e=m._load(${JSON.stringify(t)}${n?",null,true":""});const v=(n)=>{try{return Object.prototype.hasOwnProperty.call(e,n)?e[n]:void 0}catch{}};${r.map((i,s)=>`co\
nst x${s}=v(${JSON.stringify(i)});`).join("")}export{e as default${o}${r.map((i,s)=>`,x${s} as ${JSON.stringify(i)}`).join("")}};${rt}`}function fe(t,e){let n=[];
try{let r=JSON.parse(e.replace(/^\uFEFF/,""));typeof r=="object"&&r!==null&&!Array.isArray(r)&&(n=Object.keys(r))}catch{}return N(t,n).replace(',e as"module.exp\
orts"',"")}function pe(t,e){return`${t}
if(0){${e.filter(le).map(n=>`exports[${JSON.stringify(n)}]=0;`).join("")}}`}var j=class{#e;#t;#n=new Set;#r;constructor(e,n){this.#e=e,this.#t=n}query(e,n){return{specifier:e,importer:n?.startsWith("file:")?y(_(n)):void 0,kind:"import"}}before(e){
return me(this.#t.before(e))}afterFailure(e){return me(this.#t.afterFailure(e))}note(e,n,r,o){n===void 0&&(this.#r??=r),o?.type===void 0&&e.importer!==void 0&&_(
r).endsWith(".json")&&!f(e.importer)&&this.#n.add(r)}load(e,n){if(!e.startsWith("file:"))return;let r=_(e);if(this.#n.has(e)&&n?.type===void 0){let s=y(r);return{
format:"module",source:fe(s,(0,ge.readFileSync)(s,"utf8"))}}let o=this.#o(r),i=o===void 0?void 0:this.#e.load(o);if(!(o===void 0||i===void 0))return i.format===
"module"?{format:"module",source:i.code}:{format:"module",source:N(o,this.#s(o,i),e===this.#r)}}loadRequired(e,n){let r=this.#o(_(e)),o=r===void 0?void 0:this.#e.
load(r);if(!(r===void 0||o===void 0))return{format:o.format,source:o.format==="module"||!n?o.code:pe(o.code,this.#s(r,o))}}#o(e){if(!e.startsWith("file:")||f(e)&&
!h(e))return;let n=y(e);return this.#e.covers(n)?n:void 0}#s(e,n){return n.exports??ce(e,n.code,this.#e)}};function me(t){return t&&g(t.path)+t.suffix}function _(t){
let e=t.search(/[?#]/);return e<0?t:t.slice(0,e)}var he=require("node:fs"),W=require("node:path");var A=class{#e;#t=new Set;#n=new Map;constructor(e){this.#e=e}require(e,n){!f(n)||this.#t.has(n)||!this.#r(e)||!this.#o(n)||this.lower(n)}lower(e){let n=this.#e.
ask({lower:e}),r=n.files?.[e];if(!r||r.error!==void 0)return!1;this.#e.add(n);for(let o of Object.keys(n.files??{}))this.#t.add(o);return!0}load(e){return this.#t.
has(e)?this.#e.load(e):void 0}#r(e){return this.#t.has(e)||this.#e.table.file(e)?.format==="commonjs"}#o(e){let n=S(e);return n===".mjs"||n===".js"&&this.#s((0,W.dirname)(
e))==="module"}#s(e){if(this.#n.has(e))return this.#n.get(e);let n;try{({type:n}=JSON.parse((0,he.readFileSync)(`${e}/package.json`,"utf8")))}catch{let r=(0,W.dirname)(
e);n=r===e||r.endsWith("/node_modules")?void 0:this.#s(r)}return this.#n.set(e,n),n}};function ye(t,e){X((n,r,[o,,i])=>{m(r);let s=o?.filename;if(!s?.startsWith("/")||f(s)&&!t.knows(s)||i?.paths!==void 0)return n();let a=st(t,{specifier:r,importer:s,
kind:"require"},n);return e?.require(s,a),a})}function st(t,e,n){let r=t.before(e);if(r)return r.path;try{return n()}catch(o){let i=t.afterFailure(e);if(i)return i.
path;throw o}}var it=[".ts",".cts",".mts",".tsx",".jsx"];function xe(t,e){let n=l()._extensions,r=(s,a)=>{let d=e.load(a)??(t.covers(a)?t.load(a):void 0),u=process.
mainModule===s;if(d?.format==="module"&&!u&&!C()&&e.lower(a)&&(d=t.load(a)),!!d)return d.format==="commonjs"?{code:d.code,format:"commonjs"}:dt(s,a,d.code)},o=new Set,
i=(s,a,d)=>{o.add(s);let u=a??n[".js"];Object.defineProperty(n,s,{value:at(r,u),configurable:!0,writable:!0,enumerable:d})};for(let s of it)i(s,n[s],!1);return{
update(){for(let s of[".js",".cjs",".mjs"])!o.has(s)&&t.openTable?.has(s)&&i(s,n[s],Object.keys(n).includes(s))}}}function at(t,e){let n=`(function (prepare, na\
tive) {
  const handlers = {
    '.ts'(module, filename) {
      const found = prepare(module, filename);
      if (found === undefined) native(module, filename);
      else if (found.code !== undefined) module._compile(found.code, filename, found.format);
    },
  };
  return handlers['.ts'];
})`,{runInThisContext:r}=require("node:vm");return r(n,{filename:"node:internal/modules/cjs/loader"})(t,e)}function C(){return process.features.require_module===
!0}function dt(t,e,n){if(C()){let{kModuleSource:r}=R("internal/modules/cjs/loader")??{};return r&&(t[r]=n),{code:n,format:"module"}}if(process.mainModule!==t)throw Object.
assign(new Error(`require() of ES Module ${e} is not supported by Node ${process.version}: use import()`),{code:"ERR_REQUIRE_ESM"});return ut(e),{}}function ut(t){
process.mainModule=void 0;let e=g(t),n=R("internal/modules/run_main")?.runEntryPointWithESMLoader;n&&E()?.import?n(r=>r.import?.(e,void 0,{__proto__:null},!0)):
import(e)}var w=require("node:path");var ct={".js":[".ts",".tsx"],".mjs":[".mts"],".cjs":[".cts"],".jsx":[".tsx"]},I=class{#e;constructor(e){this.#e=e}knows(e){return this.#e.table.knows(e)}before(e){
let{importer:n,kind:r}=e;if(n===void 0)return;let{table:o}=this.#e,[i,s]=H(e),a=o.target(r,n,e.specifier)??(s?o.target(r,n,i):this.#t(e));if(a!==void 0&&this.#e.
exists(a))return{path:a,suffix:s};if(!this.#n(e))return;let d=lt(e,i);if(d===void 0)return o.aliases&&!o.knows(n)?this.#o(e):void 0;if(!(!h(n)||this.#r(d)))return this.#s(
e)}afterFailure(e){if(!(e.asked||e.importer===void 0||!this.#n(e)))try{return(this.#e.table.knows(e.importer)?void 0:this.#o(e))??this.#s(e)}catch{return}}entry(e,n){
let r=(0,w.resolve)(e);return f(r)||l()._findPath(r,[""],!0)?e:this.afterFailure({specifier:r,importer:n,kind:"import"})?.path??e}#t({importer:e="",specifier:n,
kind:r}){return r==="require"&&n.startsWith(".")?this.#e.table.target("import",e,n):void 0}#n({importer:e="",specifier:n}){return!f(e)&&!e.startsWith(`${__dirname}\
/`)&&!K(n)&&(!/^[a-z][a-z\d+.-]*:/i.test(n)||n.startsWith("file:"))}#r(e){let n=S(e);if(n==="")return!1;let r=e.slice(0,-n.length);return this.#e.exists(e)&&!ct[n]?.
some(o=>this.#e.exists(r+o))}#o(e){let{importer:n="",kind:r}=e,{table:o}=this.#e;o.setKnown(n),this.#e.learn({load:n});let[i,s]=H(e),a=o.target(r,n,e.specifier)??
o.target(r,n,i);return a===void 0?void 0:{path:a,suffix:s}}#s(e){let{importer:n="",kind:r}=e,[o,i]=H(e);e.asked=!0;let{resolved:s}=this.#e.learn({resolve:o,from:n,
kind:r});if(typeof s=="string")return this.#e.table.setTarget(r,n,o,s),{path:s,suffix:i}}};function H({specifier:t,kind:e}){let n=e==="require"?-1:t.slice(1).search(
/[?#]/)+1;return n<=0?[t,""]:[t.slice(0,n),t.slice(n)]}function lt({importer:t="",kind:e},n){let r=/^\.\.?(?:\/|$)/.test(n);try{return e==="require"?r||(0,w.isAbsolute)(
n)?(0,w.resolve)((0,w.dirname)(t),n):void 0:n.startsWith("file:")?y(n):r||n.startsWith("/")?y(new URL(n,g(t)).href):void 0}catch{return}}var Se=!1,J=!1,U=new Map,we="sourceMappingURL=";function B(t){if(Se||(Se=!0,process.sourceMapsEnabled))return;let e=Error.prepareStackTrace;J=t&&!ft()&&typeof e==
"function",J&&e?mt(e):ke()}function be(t,e){if(!J)return;let n=e.lastIndexOf(we);n>=0&&U.set(g(t),e.slice(n+we.length).trim())}function ke(){let{setSourceMapsSupport:t}=l();
t?t(!0,{nodeModules:!1,generatedCode:!1}):process.setSourceMapsEnabled(!0)}function ft(){let[t=0,e=0]=process.versions.node.split(".").map(Number);return t>26||
t===26&&e>=12||t===24&&e>=22}function pt(t,e){try{(0,eval)(`//# sourceURL=${t}
//# sourceMappingURL=${e}`)}catch{}}function mt(t){let e=!1,n={ErrorPrepareStackTrace(r,o){for(let i of o){let s=i.getFileName(),a=s?.startsWith("/")?g(s):s,d=a?
U.get(a):void 0;!a||d===void 0||(e||ke(),e=!0,U.delete(a),pt(a,d))}return t(r,o)}};Error.prepareStackTrace=n.ErrorPrepareStackTrace,process.on("uncaughtExceptio\
nMonitor",r=>{r instanceof Error&&r.stack})}var v=require("node:fs");var L=class{ask;#e;#t;#n;#r=new Map;constructor(e,n,r={}){this.#e=e,this.ask=n,this.#n=r}reconfigure(e){this.#e=e,this.#t=void 0}get table(){return this.#t?this.#t:
(this.#t=new O,this.add(yt(this.#e.manifest)),this.#t)}get openTable(){return this.#t}learn(e){let n=this.ask(e);return this.add(n),n}add(e){this.table.add(e),this.#n.
changed?.()}covers(e){return h(e)||this.table.has(S(e))&&this.table.file(e)!==void 0}exists(e){let n=(0,v.statSync)(e,{throwIfNoEntry:!1});return n?.isFile()?(this.#r.
set(e,n),!0):!1}load(e){let n=this.#o(e);return n&&this.#n.loaded?.(e,n),n}#o(e){let n=this.#r.get(e)??(0,v.statSync)(e);this.#r.delete(e);let r=this.table.file(
e),o=r&&gt(r,n,e)?ve(r):void 0;if(o)return o;this.learn({load:e}),this.table.setKnown(e);let i=this.table.file(e);if(!i){if(f(e)||!h(e))return;throw new SyntaxError(
`${e}: the helper returned no code for this file`)}let s=ve(i);if(!s)throw new SyntaxError(`${e}: its compiled code is missing: ${i.code??"no file"} cannot be r\
ead; check the permissions of the cache directory`);return s}};function gt(t,{size:e,mtimeMs:n},r){return e===t.size&&Math.floor(n)===t.mtime_ms||f(r)&&!h(r)}function ve({
code:t,text:e,format:n,exports:r,error:o}){if(o!==void 0)throw new SyntaxError(o);let i={format:n,exports:r??null};if(e!==void 0)return{...i,code:e};try{return t===
null?void 0:{...i,code:ht((0,v.readFileSync)(t,"utf8"))}}catch{return}}var Q="sourceMappingURL=";function ht(t){let e=t.lastIndexOf(Q,t.length)+Q.length;return e>=
Q.length&&t.startsWith("file://",e)?t.slice(0,e)+t.slice(e+7):t}function yt(t){try{let{v:e,...n}=JSON.parse((0,v.readFileSync)(t,"utf8"));return e===2?n:{}}catch{
return{}}}function Re(t){let e=()=>{},n=!1,r=ie(t.helper,()=>require("node:child_process")),o=new L(t,r,{changed(){o.table.maps&&B(!n),e()},loaded(u,c){be(u,c.code),de(c)}}),
i=new I(o),s=new A(o);ye(i,C()?void 0:s);let a=new j(o,i);return l().registerHooks?xt(a):({update:e}=xe(o,s),n=!t.commonjs&&!se(a)),t.maps&&B(!n),{files:o,resolver:i,
needsThread:n,prepare:()=>{l().registerHooks??o.table}}}function Me({conditions:t}){return t!==void 0&&("has"in t?t.has("require"):t.includes("require"))}function xt(t){
l().registerHooks?.({resolve(e,n,r){if(m(e),Me(n))return r(e,n);let{parentURL:o,importAttributes:i}=n,s=t.query(e,o),a=t.before(s),d;if(a===void 0)try{d=r(e,n)}catch(u){
if(a=t.afterFailure(s),a===void 0)throw x(u)}return d??={url:a??"",shortCircuit:!0},t.note(s,o,d.url,i),d},load(e,n,r){try{let o=Me(n)?t.loadRequired(e,!1):t.load(
e,n.importAttributes);if(o)return{...o,shortCircuit:!0}}catch(o){throw x(o)}return r(e,n)}})}0&&(module.exports={hookChildren,hookTypeScript,noteSpecifier,reportOwnWrites,setHost});
