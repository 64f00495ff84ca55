"use strict";var __defProp=Object.defineProperty;var __getOwnPropDesc=Object.getOwnPropertyDescriptor;var __getOwnPropNames=Object.getOwnPropertyNames;var __hasOwnProp=Object.prototype.hasOwnProperty;var __export=(target,all)=>{for(var name in all)__defProp(target,name,{get:all[name],enumerable:!0})},__copyProps=(to,from,except,desc)=>{if(from&&typeof from==
"object"||typeof from=="function")for(let key of __getOwnPropNames(from))!__hasOwnProp.call(to,key)&&key!==except&&__defProp(to,key,{get:()=>from[key],enumerable:!(desc=
__getOwnPropDesc(from,key))||desc.enumerable});return to};var __toCommonJS=mod=>__copyProps(__defProp({},"__esModule",{value:!0}),mod);var loader_exports={};__export(loader_exports,{hookChildren:()=>hookChildren,hookTypeScript:()=>hookTypeScript,noteSpecifier:()=>noteSpecifier,setHost:()=>setHost});
module.exports=__toCommonJS(loader_exports);function nodeModule(){return require("node:module")}function isBuiltin(specifier){return specifier.startsWith("node:")||nodeModule().isBuiltin(specifier)}var PLAIN=/^\/[\w/.@-]*$/;
function urlOf(path){return PLAIN.test(path)?`file://${path}`:require("node:url").pathToFileURL(path).href}function pathOf(url){let path=url.slice(7);return PLAIN.
test(path)?path:require("node:url").fileURLToPath(url)}var host;function setHost(given){host=given}var cascadedLoader=(...args)=>host?.cascadedLoader(...args),hasInternals=()=>host?.hasInternals()===!0,internalModule=id=>host?.
internalModule(id),wrapResolve=replacement=>host?.wrapResolve(replacement);var INTERNALS_FLAG="--expose-internals",VARIABLE="FULCRUM_BOOTSTRAP",DATA_KEY="fulcrum.bootstrap";function addedPreload(){return["-r",`${__dirname}/bootstrap.cj\
s`]}function withoutOwnFrames(error){return error instanceof Error&&typeof error.stack=="string"&&error.stack.includes(`${__dirname}/`)&&(error.stack=error.stack.split(
`
`).filter(line=>!isOwn(line)).join(`
`)),error}function isOwn(line){return line.includes(`${__dirname}/bootstrap.cjs`)||line.includes(`${__dirname}/loader.cjs`)}var inheritance,PATCHES={child_process:patchFork,worker_threads:patchWorker};function hookChildren(next){inheritance=next;let loaded=process.moduleLoadList??[];
for(let id of Object.keys(PATCHES))loaded.includes(`NativeModule ${id}`)&&noteSpecifier(id);hookGetBuiltinModule(),nodeModule().registerHooks||hookLoad()}function noteSpecifier(specifier){
let id=specifier.startsWith("node:")?specifier.slice(5):specifier;if(!inheritance||!Object.hasOwn(PATCHES,id))return;let patch=PATCHES[id];delete PATCHES[id],patch?.(
inheritance),nodeModule().syncBuiltinESMExports()}function hookGetBuiltinModule(){let open=process;open.getBuiltinModule&&(open.getBuiltinModule=wrap(open.getBuiltinModule,
args=>(noteSpecifier(String(args[0])),args)))}function hookLoad(){let text=`(function (native, note) {
  return { _load(request) {
    if (request === 'node:child_process' || request === 'node:worker_threads') note(request);
    return native.apply(this, arguments);
  } }._load;
})`,{runInThisContext}=require("node:vm"),open=nodeModule(),make=runInThisContext(text,{filename:"node:internal/modules/cjs/loader"});open._load=make(open._load,
noteSpecifier)}function patchFork(from){let open=require("node:child_process");open.fork=wrap(open.fork,args=>{from.starting();let[path,second]=args,at=typeof second==
"object"&&second!==null&&!Array.isArray(second)?1:2,options=args[at]??{};if(typeof options!="object"||options.execPath&&options.execPath!==process.execPath)return args;
let changed=[...args];return typeof path=="string"&&(changed[0]=from.entry(path)),changed[at]={...options,execArgv:childArguments(options.execArgv||process.execArgv),
env:childEnvironment(options.env||process.env,from)},at===2&&(changed[1]??=[]),changed})}function patchWorker(from){let open=require("node:worker_threads"),Worker=wrap(
open.Worker,args=>{from.starting();let options=args[1]??{};if(typeof options!="object")return args;open.setEnvironmentData(DATA_KEY,currentConfig(from));let changed=[
...args];typeof args[0]=="string"&&!options.eval&&(changed[0]=from.entry(args[0])),args[0]instanceof URL&&args[0].protocol==="file:"&&(changed[0]=workerUrl(args[0],
from));let execArgv=options.execArgv??(from.preloaded?lostArguments(options):process.execArgv);return Array.isArray(execArgv)&&(changed[1]={__proto__:options,execArgv:childArguments(
execArgv)}),changed});Object.defineProperty(Worker.prototype,"constructor",{value:Worker,configurable:!0,writable:!0,enumerable:!1}),open.Worker=Worker}function lostArguments({
env}){let[major=0,minor=0]=process.versions.node.split(".").map(Number);return major===20&&minor<18&&typeof env=="object"&&env!==null?[]:void 0}function workerUrl(url,from){
let{fileURLToPath,pathToFileURL}=require("node:url"),path=fileURLToPath(url),entry=from.entry(path);if(entry===path)return url;let changed=pathToFileURL(entry);
return changed.search=url.search,changed.hash=url.hash,changed}function childArguments(args){let preload=addedPreload(),added=args.includes(preload[1])?[]:preload;
return[...hasInternals()&&!args.includes(INTERNALS_FLAG)?[INTERNALS_FLAG]:[],...added,...args]}function childEnvironment(env,from){return env[VARIABLE]===void 0?
{...env,[VARIABLE]:JSON.stringify({...JSON.parse(currentConfig(from)),hidden:!0})}:env}function currentConfig(from){return process.env[VARIABLE]??from.config}function wrap(native,change){
let call=(args,run)=>{try{return run(change(args))}catch(error){throw withoutOwnFrames(error)}},wrapped=new Proxy(native,{apply:(target,self,args)=>call(args,changed=>Reflect.
apply(target,self,changed)),construct:(target,args,newTarget)=>call(args,changed=>Reflect.construct(target,changed,newTarget===wrapped?target:newTarget))});return wrapped}function patchCascadedLoader(hooks){let loads,loader=cascadedLoader(!1,()=>{require("internal/modules/esm/resolve"),loads=require("internal/modules/esm/load")}),
load=loader?.load;if(!loads||!loader||typeof load!="function"||typeof loader.resolve!="function")return!1;patchResolve(loader,hooks),loader.load=function(url,context){
let found=hooks.load(url,context.importAttributes);return found?{...found,responseURL:url}:load.call(this,url,context)};let open=loads,{defaultLoadSync}=open;return typeof defaultLoadSync==
"function"&&(open.defaultLoadSync=(url,context)=>{let found=hooks.loadRequired(url,!0);return found?{...found,responseURL:url}:defaultLoadSync(url,context)}),!0}
function patchResolve(loader,hooks){let inside=!1;for(let name of["resolve","resolveSync","defaultResolve"]){let native=loader[name];typeof native=="function"&&
(loader[name]=function(specifier,parentURL,...rest){if(inside)return native.call(this,specifier,parentURL,...rest);inside=!0;try{return resolve(hooks,`${specifier}`,
parentURL,rest[0],()=>native.call(this,specifier,parentURL,...rest))}finally{inside=!1}})}}function resolve(hooks,specifier,parentURL,attributes,native){noteSpecifier(
specifier);let query=hooks.query(specifier,parentURL),done=result=>(hooks.note(query,parentURL,result.url,attributes),result),failed=error=>{let url2=hooks.afterFailure(
query);if(url2===void 0)throw withoutOwnFrames(error);return done({url:url2})},url=hooks.before(query);if(url!==void 0)return done({url});try{let result=native();
return result instanceof Promise?result.then(done,failed):done(result)}catch(error){return failed(error)}}function helper(command,childProcess){let[program="",...args]=command;return question=>{let request=JSON.stringify({v:2,node:process.versions.node,...question}),
result=childProcess().spawnSync(program,[...args,request],{encoding:"utf8",maxBuffer:268435456,stdio:["ignore","pipe","pipe"],windowsHide:!0}),[what=""]=Object.
values(question);if(result.error)throw new Error(`${what}: cannot run ${program}, which compiles TypeScript: ${result.error.message}`);if(result.status!==0){let reason=result.
stderr.trim()||`${program} exited with ${result.signal??`code ${result.status}`}`;throw new SyntaxError(reason.includes(what)?reason:`${what}: ${reason}`)}try{let answer=JSON.
parse(result.stdout);if(typeof answer=="object"&&answer!==null)return answer}catch{}throw new Error(`${what}: ${program} printed no JSON object, so the file can\
not be loaded: is it the fulcrum that started this process?`)}}var MISTAKES=[{says:/^ReferenceError: (__dirname|__filename) is not defined/,cure:"use import.meta.dirname or import.meta.filename (Node 20.11 and later), or na\
me the file .cts to make it CommonJS"},{says:/^ReferenceError: (require|module|exports) is not defined/,cure:"use import and export, or createRequire(import.met\
a.url) of node:module, or name the file .cts to make it CommonJS"},{says:/^SyntaxError: Cannot use 'import\.meta' outside a module/,cure:'set "type": "module" i\
n package.json, or name the file .mts to make it an ES module'}],SUSPICIOUS={module:/\b(?:__dirname|__filename|require|module|exports)\b/,commonjs:/\bimport\.meta\b/},
explaining=!1;function explainMistakesIn({code,format}){explaining||!SUSPICIOUS[format].test(code)||(explaining=!0,process.on("uncaughtExceptionMonitor",error=>{
if(!(error instanceof Error)||typeof error.stack!="string")return;let what=`${error.name}: ${error.message}`,mistake=MISTAKES.find(({says})=>says.test(what)),at=error.
stack.indexOf(what);if(!mistake||at<0)return;let end=at+what.length;error.stack=`${error.stack.slice(0,end)}
hint: ${mistake.cure}${error.stack.slice(end)}`}))}var import_node_fs2=require("node:fs");var import_node_fs=require("node:fs");var Table=class{aliases=!1;maps=!1;#files=new Map;#targets={import:new Map,require:new Map};#known=new Set;#inputs=new Set;#extensions=new Set;add(fragment){fragment.
aliases&&(this.aliases=!0),fragment.maps&&(this.maps=!0);for(let input of fragment.inputs??[])this.#inputs.add(input);for(let[path,entry]of Object.entries(fragment.
files??{}))this.#files.set(path,entry),this.#known.add(path),this.#extensions.add(extensionOf(path));this.#addTargets("import",fragment.imports),this.#addTargets(
"require",fragment.requires)}#addTargets(kind,targets){for(let[importer,found]of Object.entries(targets??{})){this.#known.add(importer),this.#targets[kind].set(
importer,new Map(Object.entries(found)));for(let target of Object.values(found))this.#known.add(target)}}file(path){return this.#files.get(path)}target(kind,importer,specifier){
return this.#targets[kind].get(importer)?.get(specifier)}setTarget(kind,importer,specifier,path){let of=this.#targets[kind],targets=of.get(importer)??new Map;of.
set(importer,targets.set(specifier,path))}knows(path){return this.#known.has(path)}setKnown(path){this.#known.add(path)}has(extension){return this.#extensions.has(
extension)}inputs(){return this.#inputs}};function extensionOf(path){let dot=path.lastIndexOf(".");return dot>path.lastIndexOf("/")+1?path.slice(dot):""}var TYPESCRIPT=/\.(?:[mc]?ts|tsx|jsx)$/;
function isTypeScript(path){return TYPESCRIPT.test(path)}function isInPackage(path){return path.includes("/node_modules/")}function namesIn(path,code,files){let parse=internalModule("internal/deps/cjs-module-lexer/lexer")?.parse??findNames,names=new Set,visited=new Set,collect=(file,text)=>{
if(!visited.has(file)){visited.add(file);try{let found=parse(text);for(let name of found.exports)names.add(name);for(let specifier of found.reexports)collectFile(
nodeModule().createRequire(file).resolve(specifier))}catch{}}},collectFile=file=>{if(!file.startsWith("/"))return;let source=!isInPackage(file)&&files.covers(file)?
files.load(file):void 0;if(source?.exports)for(let name of source.exports)names.add(name);else collect(file,source?.code??(0,import_node_fs.readFileSync)(file,"\
utf8"))};return collect(path,code),[...names]}var TOKEN=new RegExp([String.raw`//.*|/\*[\s\S]*?\*/`,String.raw`(?:\bmodule\.|(?<![\w$.]))exports\s*(?:\.\s*(?<dotted>[\w$]+)|\[\s*(?<quote>['"])(?<keyed>.*?)\k<quote>\s*\])\s*=(?!=)`,
String.raw`\bdefineProperty\s*\(\s*(?:module\.)?exports\s*,\s*(?<q2>['"])(?<defined>.*?)\k<q2>`,String.raw`\bmodule\.exports\s*=\s*(?:require\s*\(\s*(?<q3>['"])(?<whole>.*?)\k<q3>|(?<literal>\{))`,
String.raw`\b\w*export_?star\s*\(\s*require\s*\(\s*(?<q4>['"])(?<star>.*?)\k<q4>`,String.raw`'(?:[^'\\\n]|\\[\s\S])*'|"(?:[^"\\\n]|\\[\s\S])*"|`+"`(?:[^`\\\\]|\\\\[\
\\s\\S])*`"].join("|"),"gi");function findNames(code){let exports2=new Set,reexports=new Set;for(let{index,0:text,groups={}}of code.matchAll(TOKEN)){let name=groups.
dotted??groups.keyed??groups.defined;name!==void 0&&exports2.add(name),groups.star!==void 0&&reexports.add(groups.star),groups.whole!==void 0&&(reexports=new Set(
[groups.whole])),groups.literal!==void 0&&addKeys(code,index+text.length,exports2,reexports)}return{exports:exports2,reexports}}var MEMBER=/\/\/.*|\/\*[\s\S]*?\*\/|'(?:[^'\\\n]|\\[\s\S])*'|"(?:[^"\\\n]|\\[\s\S])*"|`(?:[^`\\]|\\[\s\S])*`|\.\.\.\s*require\s*\(\s*(['"])(?<spread>.*?)\1\s*\)|[\w$]+|[([{]|[)\]}]|,|\S/g;
function addKeys(code,start,exports2,reexports){let pattern=new RegExp(MEMBER);pattern.lastIndex=start;let depth=0,atKey=!0;for(let match=pattern.exec(code);match;match=
pattern.exec(code)){let[text]=match;if(!(text.startsWith("//")||text.startsWith("/*"))){if(/^[)\]}]$/.test(text)&&--depth<0)return;if(atKey&&match.groups?.spread!==
void 0)reexports.add(match.groups.spread);else{if(atKey&&/^(?:get|set|async)$/.test(text)&&/^\s+[\w$]/.test(code.slice(pattern.lastIndex)))continue;atKey&&/^[\w$]/.
test(text)?exports2.add(text):atKey&&/^['"]/.test(text)&&exports2.add(text.slice(1,-1))}/^[([{]$/.test(text)&&depth++,atKey=depth===0&&text===","}}}var SOURCE_URL=`
//# sourceURL=node:internal/modules/esm/translators`,isExportable=name=>name!=="default"&&name!=="module.exports"&&encodable(name);function encodable(name){try{
return encodeURIComponent(name),!0}catch{return!1}}function commonjsText(path,names,isMain=!1){let exported=[...new Set(names)].filter(isExportable),whole=parseInt(
process.versions.node,10)>=23?',e as"module.exports"':"";return`import m from"node:module";const e=m._load(${JSON.stringify(path)}${isMain?",null,true":""});con\
st v=(n)=>{try{return Object.prototype.hasOwnProperty.call(e,n)?e[n]:void 0}catch{}};${exported.map((name,index)=>`const x${index}=v(${JSON.stringify(name)});`).
join("")}export{e as default${whole}${exported.map((name,index)=>`,x${index} as ${JSON.stringify(name)}`).join("")}};${SOURCE_URL}`}function jsonText(path,json){
let names=[];try{let value=JSON.parse(json.replace(/^\uFEFF/,""));typeof value=="object"&&value!==null&&!Array.isArray(value)&&(names=Object.keys(value))}catch{}
return commonjsText(path,names).replace(',e as"module.exports"',"")}function withNames(code,names){return`${code}
if(0){${names.filter(isExportable).map(name=>`exports[${JSON.stringify(name)}]=0;`).join("")}}`}var ImportHooks=class{#files;#resolver;#json=new Set;#main;constructor(files,resolver){this.#files=files,this.#resolver=resolver}query(specifier,parentURL){return{
specifier,importer:parentURL?.startsWith("file:")?pathOf(withoutSuffix(parentURL)):void 0,kind:"import"}}before(query){return toUrl(this.#resolver.before(query))}afterFailure(query){
return toUrl(this.#resolver.afterFailure(query))}note(query,parentURL,url,attributes){parentURL===void 0&&(this.#main??=url),attributes?.type===void 0&&query.importer!==
void 0&&withoutSuffix(url).endsWith(".json")&&!isInPackage(query.importer)&&this.#json.add(url)}load(url,attributes){if(!url.startsWith("file:"))return;let bare=withoutSuffix(
url);if(this.#json.has(url)&&attributes?.type===void 0){let path2=pathOf(bare);return{format:"module",source:jsonText(path2,(0,import_node_fs2.readFileSync)(path2,
"utf8"))}}let path=this.#covered(bare),source=path===void 0?void 0:this.#files.load(path);if(!(path===void 0||source===void 0))return source.format==="module"?{
format:"module",source:source.code}:{format:"module",source:commonjsText(path,this.#names(path,source),url===this.#main)}}loadRequired(url,named){let path=this.#covered(
withoutSuffix(url)),source=path===void 0?void 0:this.#files.load(path);if(!(path===void 0||source===void 0))return{format:source.format,source:source.format==="\
module"||!named?source.code:withNames(source.code,this.#names(path,source))}}#covered(bare){if(!bare.startsWith("file:")||isInPackage(bare)&&!isTypeScript(bare))
return;let path=pathOf(bare);return this.#files.covers(path)?path:void 0}#names(path,source){return source.exports??namesIn(path,source.code,this.#files)}};function toUrl(found){
return found&&urlOf(found.path)+found.suffix}function withoutSuffix(url){let end=url.search(/[?#]/);return end<0?url:url.slice(0,end)}var import_node_fs3=require("node:fs"),import_node_path=require("node:path");var LoweredPackages=class{#files;#lowered=new Set;#types=new Map;constructor(files){this.#files=files}require(importer,path){if(!isInPackage(path)||this.#lowered.
has(path)||!this.#isCompiled(importer)||!this.#isModule(path))return;this.#lowered.add(path);let{files}=this.#files.learn({lower:path});for(let other of Object.
keys(files??{}))this.#lowered.add(other)}load(path){return this.#lowered.has(path)?this.#files.load(path):void 0}#isCompiled(importer){return this.#lowered.has(
importer)||this.#files.table.file(importer)?.format==="commonjs"}#isModule(path){let extension=extensionOf(path);return extension===".mjs"||extension===".js"&&this.#packageType(
(0,import_node_path.dirname)(path))==="module"}#packageType(dir){if(this.#types.has(dir))return this.#types.get(dir);let type;try{({type}=JSON.parse((0,import_node_fs3.readFileSync)(
`${dir}/package.json`,"utf8")))}catch{let parent=(0,import_node_path.dirname)(dir);type=parent===dir||parent.endsWith("/node_modules")?void 0:this.#packageType(
parent)}return this.#types.set(dir,type),type}};function hookRequireResolution(resolver,lowered){wrapResolve((resolve2,specifier,[parent,,options])=>{noteSpecifier(specifier);let importer=parent?.filename;if(!importer?.
startsWith("/")||options?.paths!==void 0)return resolve2();let path=resolveRequire(resolver,{specifier,importer,kind:"require"},resolve2);return lowered?.require(
importer,path),path})}function resolveRequire(resolver,query,native){let found=resolver.before(query);if(found)return found.path;try{return native()}catch(error){
let late2=resolver.afterFailure(query);if(late2)return late2.path;throw error}}var EXTENSIONS=[".ts",".cts",".mts",".tsx",".jsx"];function hookExtensions(files,lowered){
let extensions=nodeModule()._extensions,prepare=(module2,filename)=>{let source=lowered.load(filename)??(files.covers(filename)?files.load(filename):void 0);if(source)
return source.format==="commonjs"?{code:source.code,format:"commonjs"}:prepareModule(module2,filename,source.code)},hooked=new Set,hook=(extension,native,enumerable)=>{
hooked.add(extension);let fallback=native??extensions[".js"];Object.defineProperty(extensions,extension,{value:handler(prepare,fallback),configurable:!0,writable:!0,
enumerable})};for(let extension of EXTENSIONS)hook(extension,extensions[extension],!1);return{update(){for(let extension of[".js",".cjs",".mjs"])!hooked.has(extension)&&
files.openTable?.has(extension)&&hook(extension,extensions[extension],Object.keys(extensions).includes(extension))}}}function handler(prepare,native){let text=`\
(function (prepare, native) {
  const handlers = {
    '.ts'(module, filename) {
      const found = prepare(module, filename);
      if (found === undefined) native(module, filename);
      else if (found.code !== undefined) module._compile(found.code, filename, found.format);
    },
  };
  return handlers['.ts'];
})`,{runInThisContext}=require("node:vm");return runInThisContext(text,{filename:"node:internal/modules/cjs/loader"})(prepare,native)}function canRequireModules(){
return process.features.require_module===!0}function prepareModule(module2,filename,code){if(canRequireModules()){let{kModuleSource}=internalModule("internal/mo\
dules/cjs/loader")??{};return kModuleSource&&(module2[kModuleSource]=code),{code,format:"module"}}if(process.mainModule!==module2)throw Object.assign(new Error(
`require() of ES Module ${filename} is not supported by Node ${process.version}: use import()`),{code:"ERR_REQUIRE_ESM"});return runMain(filename),{}}function runMain(filename){
process.mainModule=void 0;let url=urlOf(filename),run=internalModule("internal/modules/run_main")?.runEntryPointWithESMLoader;run&&cascadedLoader()?.import?run(
loader=>loader.import?.(url,void 0,{__proto__:null},!0)):import(url)}var import_node_path2=require("node:path");var SIBLINGS={".js":[".ts",".tsx"],".mjs":[".mts"],".cjs":[".cts"],".jsx":[".tsx"]},Resolver=class{#files;constructor(files){this.#files=files}before(query){let{
importer,kind}=query;if(importer===void 0)return;let{table}=this.#files,[specifier,suffix]=split(query),known=table.target(kind,importer,query.specifier)??(suffix?
table.target(kind,importer,specifier):void 0);if(known!==void 0&&this.#files.exists(known))return{path:known,suffix};if(!this.#isOurs(query))return;let path=pathLike(
query,specifier);if(path===void 0)return table.aliases&&!table.knows(importer)?this.#learn(query):void 0;if(!(!isTypeScript(importer)||this.#isPlainlyThere(path)))
return this.#ask(query)}afterFailure(query){if(!(query.asked||query.importer===void 0||!this.#isOurs(query)))try{return(this.#files.table.knows(query.importer)?
void 0:this.#learn(query))??this.#ask(query)}catch{return}}entry(path,from){let absolute=(0,import_node_path2.resolve)(path);return isInPackage(absolute)||nodeModule().
_findPath(absolute,[""],!0)?path:this.afterFailure({specifier:absolute,importer:from,kind:"import"})?.path??path}#isOurs({importer="",specifier}){return!isInPackage(
importer)&&!importer.startsWith(`${__dirname}/`)&&!isBuiltin(specifier)&&(!/^[a-z][a-z\d+.-]*:/i.test(specifier)||specifier.startsWith("file:"))}#isPlainlyThere(path){
let extension=extensionOf(path);if(extension==="")return!1;let stem=path.slice(0,-extension.length);return this.#files.exists(path)&&!SIBLINGS[extension]?.some(
other=>this.#files.exists(stem+other))}#learn(query){let{importer="",kind}=query,{table}=this.#files;table.setKnown(importer),this.#files.learn({load:importer});
let[specifier,suffix]=split(query),path=table.target(kind,importer,query.specifier)??table.target(kind,importer,specifier);return path===void 0?void 0:{path,suffix}}#ask(query){
let{importer="",kind}=query,[specifier,suffix]=split(query);query.asked=!0;let{resolved}=this.#files.learn({resolve:specifier,from:importer,kind});if(typeof resolved==
"string")return this.#files.table.setTarget(kind,importer,specifier,resolved),{path:resolved,suffix}}};function split({specifier,kind}){let at=kind==="require"?
-1:specifier.slice(1).search(/[?#]/)+1;return at<=0?[specifier,""]:[specifier.slice(0,at),specifier.slice(at)]}function pathLike({importer="",kind},specifier){let relative=/^\.\.?(?:\/|$)/.
test(specifier);try{return kind==="require"?relative||(0,import_node_path2.isAbsolute)(specifier)?(0,import_node_path2.resolve)((0,import_node_path2.dirname)(importer),
specifier):void 0:specifier.startsWith("file:")?pathOf(specifier):relative||specifier.startsWith("/")?pathOf(new URL(specifier,urlOf(importer)).href):void 0}catch{
return}}var enabled=!1,late=!1,waiting=new Map,MAP_COMMENT="sourceMappingURL=";function enableSourceMaps(isTold){if(enabled||(enabled=!0,process.sourceMapsEnabled))return;
let format=Error.prepareStackTrace;late=isTold&&!readsMapsLate()&&typeof format=="function",late&&format?onStacks(format):switchOn()}function noteSourceMap(path,code){
if(!late)return;let at=code.lastIndexOf(MAP_COMMENT);at>=0&&waiting.set(urlOf(path),code.slice(at+MAP_COMMENT.length).trim())}function switchOn(){let{setSourceMapsSupport}=nodeModule();
setSourceMapsSupport?setSourceMapsSupport(!0,{nodeModules:!1,generatedCode:!1}):process.setSourceMapsEnabled(!0)}function readsMapsLate(){let[major=0,minor=0]=process.
versions.node.split(".").map(Number);return major>26||major===26&&minor>=12||major===24&&minor>=22}function register(url,map){try{(0,eval)(`//# sourceURL=${url}\

//# sourceMappingURL=${map}`)}catch{}}function onStacks(format){let on=!1,named={ErrorPrepareStackTrace(error,trace){for(let site of trace){let file=site.getFileName(),
url=file?.startsWith("/")?urlOf(file):file,map=url?waiting.get(url):void 0;!url||map===void 0||(on||switchOn(),on=!0,waiting.delete(url),register(url,map))}return format(
error,trace)}};Error.prepareStackTrace=named.ErrorPrepareStackTrace,process.on("uncaughtExceptionMonitor",error=>{error instanceof Error&&error.stack})}var import_node_fs4=require("node:fs");var TypeScriptFiles=class{ask;#config;#table;#observer;#stats=new Map;constructor(config,ask,observer={}){this.#config=config,this.ask=ask,this.#observer=observer}reconfigure(config){
this.#config=config,this.#table=void 0}get table(){return this.#table?this.#table:(this.#table=new Table,this.#add(readManifest(this.#config.manifest)),this.#table)}get openTable(){
return this.#table}learn(question){let answer=this.ask(question);return this.#add(answer),answer}#add(fragment){this.table.add(fragment),this.#observer.changed?.()}covers(path){
return isTypeScript(path)||this.table.has(extensionOf(path))&&this.table.file(path)!==void 0}exists(path){let stat=(0,import_node_fs4.statSync)(path,{throwIfNoEntry:!1});
return stat?.isFile()?(this.#stats.set(path,stat),!0):!1}load(path){let source=this.#load(path);return source&&this.#observer.loaded?.(path,source),source}#load(path){
let stat=this.#stats.get(path)??(0,import_node_fs4.statSync)(path);this.#stats.delete(path);let entry=this.table.file(path),source=entry&&isFresh(entry,stat,path)?
read(entry):void 0;if(source)return source;this.learn({load:path}),this.table.setKnown(path);let learned=this.table.file(path);if(!learned){if(isInPackage(path)||
!isTypeScript(path))return;throw new SyntaxError(`${path}: the helper returned no code for this file`)}let answer=read(learned);if(!answer)throw new SyntaxError(
`${path}: its compiled code is missing: ${learned.code??"no file"} cannot be read; check the permissions of the cache directory`);return answer}};function isFresh(entry,{
size,mtimeMs},path){return size===entry.size&&Math.floor(mtimeMs)===entry.mtime_ms||isInPackage(path)&&!isTypeScript(path)}function read({code,text,format,exports:exports2,
error}){if(error!==void 0)throw new SyntaxError(error);let source={format,exports:exports2??null};if(text!==void 0)return{...source,code:text};try{return code===
null?void 0:{...source,code:withReadableMap((0,import_node_fs4.readFileSync)(code,"utf8"))}}catch{return}}var MAP_COMMENT2="sourceMappingURL=";function withReadableMap(code){
let at=code.lastIndexOf(MAP_COMMENT2,code.length)+MAP_COMMENT2.length;return at>=MAP_COMMENT2.length&&code.startsWith("file://",at)?code.slice(0,at)+code.slice(
at+7):code}function readManifest(path){try{let{v,...fragment}=JSON.parse((0,import_node_fs4.readFileSync)(path,"utf8"));return v===2?fragment:{}}catch{return{}}}function hookTypeScript(config){let update=()=>{},needsThread=!1,ask=helper(config.helper,()=>require("node:child_process")),files=new TypeScriptFiles(config,ask,
{changed(){files.table.maps&&enableSourceMaps(!needsThread),update()},loaded(path,source){noteSourceMap(path,source.code),explainMistakesIn(source)}}),resolver=new Resolver(
files),lowered=new LoweredPackages(files);hookRequireResolution(resolver,canRequireModules()?void 0:lowered);let hooks=new ImportHooks(files,resolver);return nodeModule().
registerHooks?registerHooks(hooks):({update}=hookExtensions(files,lowered),needsThread=!config.commonjs&&!patchCascadedLoader(hooks)),config.maps&&enableSourceMaps(
!needsThread),{files,resolver,needsThread}}function isRequire({conditions}){return conditions!==void 0&&new Set(conditions).has("require")}function registerHooks(hooks){
nodeModule().registerHooks?.({resolve(specifier,context,next){if(noteSpecifier(specifier),isRequire(context))return next(specifier,context);let{parentURL,importAttributes}=context,
query=hooks.query(specifier,parentURL),url=hooks.before(query),result;if(url===void 0)try{result=next(specifier,context)}catch(error){if(url=hooks.afterFailure(
query),url===void 0)throw withoutOwnFrames(error)}return result??={url:url??"",shortCircuit:!0},hooks.note(query,parentURL,result.url,importAttributes),result},
load(url,context,next){try{let found=isRequire(context)?hooks.loadRequired(url,!1):hooks.load(url,context.importAttributes);if(found)return{...found,shortCircuit:!0}}catch(error){
throw withoutOwnFrames(error)}return next(url,context)}})}0&&(module.exports={hookChildren,hookTypeScript,noteSpecifier,setHost});
