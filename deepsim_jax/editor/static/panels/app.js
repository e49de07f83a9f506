// The page.

import * as choices from "../choices.js";
import { isUnmoved } from "../engine/placing.js";
import { area } from "../hands/areas.js";
import { pins } from "../hands/dragging.js";
import { selection } from "../hands/regions.js";
import { html } from "../html.js";
import { Icon } from "../icons.js";
import * as store from "../store.js";
import * as studio from "../studio.js";
import { signal } from "../vendor/signals.js";
import { useEffect, useRef } from "../vendor/preact-hooks.js";
import { Dialogs } from "./dialogs.js";
import { DrawingPanel, LayersPanel, TrainingPanel } from "./side.js";
import { Start } from "./start.js";
import { Candidates, Gallery, HistoryStrip } from "./strip.js";
import { ToolBar, ToolPanel } from "./tools.js";
import { Button, Choice } from "./widgets.js";

const isPanelOpen = signal(false); // on narrow screens

export function App() {
  const isOpen = store.workspace.value !== null;
  return html`
    <${Connection} />
    ${isOpen ? html`<${Editor} />` : html`<${Start} />`}
    <${Notices} />
    <${Dialogs} />
    <div class="drop-here" aria-hidden="true"><strong>Drop it to open it</strong></div>`;
}

function Editor() {
  return html`<div class=${`editor${isPanelOpen.value ? " panel-open" : ""}`} inert=${store.working.value.opening}>
    <button type="button" class="button main skip" onClick=${() => studio.crosshair.begin()}>Go to the drawing</button>
    <${TopBar} />
    <${ToolBar} />
    <main class="middle"><${StageHost} /><${StatusBar} /></main>
    <aside class="side" aria-label="Options">
      <${ToolPanel} /><${Gallery} /><${LayersPanel} /><${DrawingPanel} /><${TrainingPanel} />
    </aside>
    <${HistoryStrip} />
  </div>`;
}

const COMPARISONS = [
  { name: "both", title: "Drawing and result side by side", icon: "both", keys: "M" },
  { name: "slider", title: "Before and after with a line between", icon: "slider", keys: "M" },
  { name: "result", title: "Result only", icon: "result", keys: "M" },
  { name: "drawing", title: "Drawing only", icon: "drawing", keys: "M" },
];

function TopBar() {
  const { workspace } = store;
  const hold = (isShown) => () => {
    choices.originalShown.value = isShown;
  };
  const holding = {
    onPointerDown: hold(true),
    onPointerUp: hold(false),
    onPointerLeave: hold(false),
    onKeyDown: (event) => {
      if ([" ", "Enter"].includes(event.key)) choices.originalShown.value = true;
    },
    onKeyUp: hold(false),
    onBlur: hold(false),
  };
  return html`<header class="topbar">
    <div class="group name">
      <${Button} icon="open" label="Open another photo, or other work" isQuiet onPress=${store.closeWorkspace} />
      <h1 title=${workspace.value.name}>${workspace.value.name}</h1>
    </div>
    <div class="group">
      <${Button} icon="undo" label="Undo" keys="Ctrl+Z" isQuiet isDisabled=${!studio.canUndo.value} onPress=${studio.thenDraw(studio.undo)} />
      <${Button} icon="redo" label="Redo" keys="Ctrl+Y" isQuiet isDisabled=${!studio.canRedo.value} onPress=${studio.thenDraw(studio.redo)} />
    </div>
    <div class="group">
      <${Choice} label="What is shown" choices=${COMPARISONS} value=${choices.mode.value} onChoose=${(
        name,
      ) => {
        choices.mode.value = name;
      }} />
      <${Button} icon="eye" label="Hold to see the original" keys="\\" isPressed=${choices.originalShown.value} isQuiet ...${holding} />
      <${Button} icon="doubt" label="Show where the result is a guess" isPressed=${choices.mismatchShown.value} isQuiet isShown=${Boolean(workspace.value.can?.mismatch)} onPress=${() => {
        choices.mismatchShown.value = !choices.mismatchShown.value;
      }} />
    </div>
    <div class="group zoom">
      <${Button} icon="minus" label="Smaller" keys="−" isQuiet onPress=${() => studio.stage.zoomBy(0.8)} />
      <button type="button" class="button quiet percent" aria-label=${`${Math.round(choices.view.value.scale * 100)} %: show the whole picture`} title="Show the whole picture (Ctrl+0)" onClick=${() => studio.stage.fit()}>${Math.round(choices.view.value.scale * 100)} %</button>
      <${Button} icon="plus" label="Larger" keys="+" isQuiet onPress=${() => studio.stage.zoomBy(1.25)} />
    </div>
    <div class="group end">
      <${Button} icon="recipe" label="Save the steps as a recipe" isQuiet isShown=${Boolean(workspace.value.can?.recipe)} onPress=${studio.downloadRecipe} />
      <${Button} icon="addition" label="Open a recipe" isQuiet isShown=${Boolean(workspace.value.can?.recipe)} onPress=${studio.openRecipe} />
      <${Button} icon="film" label="Make a film" isQuiet isShown=${Boolean(workspace.value.can?.film) || store.candidates.value.rate !== null} onPress=${() => {
        choices.dialog.value = "film";
      }} />
      <${Button} icon="anew" label="Start from this result" isQuiet onPress=${studio.startFromResult} />
      <${Button} icon="clipboard" label="Copy the picture" keys="Ctrl+C" isQuiet onPress=${studio.copyResult} />
      <${Button} icon="theme" label="Light or dark" isQuiet onPress=${choices.switchTheme} />
      <${Button} icon="help" label="All keys" keys="?" isQuiet onPress=${() => {
        choices.dialog.value = "help";
      }} />
      <span class="panel-switch"><${Button} icon="panel" label="Options" isPressed=${isPanelOpen.value} isQuiet onPress=${() => {
        isPanelOpen.value = !isPanelOpen.value;
      }} /></span>
      <${Button} icon="download" label="Save picture in full size" keys="Ctrl+S" isMain onPress=${studio.download}><span class="wide-only">Save picture</span><//>
    </div>
  </header>`;
}

function StageHost() {
  const host = useRef(null);
  useEffect(() => {
    host.current.append(studio.stage.element);
    if (studio.stage.photo) studio.stage.fit();
    return () => studio.stage.element.remove();
  }, []);
  return html`<div class="stage-host" ref=${host}></div>`;
}

const QUALITIES = { none: "", foreseen: "Preview", draft: "Preview", full: "Full size" };

function StatusBar() {
  const { quality, milliseconds, size } = store.shown.value;
  const { preview, result, saving } = store.working.value;
  const isWorking = preview || result || saving || store.unsent.value > 0;
  const isFresh = store.shown.value.document === store.current.value;
  const { done, total } = store.parts.value ?? {};
  const text = quality === "full" ? `${QUALITIES.full}, ${size.join(" × ")}` : QUALITIES[quality];
  const isPending =
    pins.value.drags.length > 0 ||
    area.value.corners.length > 0 ||
    (selection.value && !isUnmoved(selection.value.placing));
  return html`<div class="status">
    <span class="doubts" role="status">${store.doubts.value.map((line) => html`<span key=${line} class="doubt" title=${line}><${Icon} name="doubt" /><span>${line}</span></span>`)}</span>
    <${Candidates} />
    ${
      isPending &&
      html`<${Button} icon="close" label="Cancel what is shown" keys="Esc" onPress=${() => studio.cancel()}>Cancel<//>
      <${Button} icon="check" label="Apply what is shown" keys="Enter" isMain onPress=${() => studio.apply()}>Apply<//>`
    }
    ${
      total &&
      html`<span role="progressbar" aria-label="The picture" aria-valuemin="0" aria-valuemax=${total} aria-valuenow=${done}>${done} of ${total}</span>
      <${Button} icon="close" label="Stop making the picture" onPress=${store.stopMaking}>Stop<//>`
    }
    ${store.workspace.value.canvas && !isFresh && !isWorking && html`<${Button} icon="play" label="Go on with the picture" onPress=${store.refresh}>Go on<//>`}
    ${store.shown.value.quality === "draft" && !isWorking && html`<${Button} icon="enlarge" label="Show it in full size" isQuiet onPress=${store.showFull}>Full size<//>`}
    <span class="state" data-quality=${quality} data-document=${store.shown.value.document} data-idle=${String(!isWorking)} data-fresh=${String(isFresh)}>
      ${isWorking && html`<span class="spinner" role="img" aria-label="Working"></span>`}${text}${milliseconds && quality !== "full" ? ` · ${Math.round(milliseconds)} ms` : ""}</span>
    <span class="saved" title="Every step is kept on this computer">${store.workspace.value.unsaved ? html`<span class="problem">${store.workspace.value.unsaved}</span>` : store.unsent.value ? "Saving …" : "Saved"}</span>
  </div>`;
}

function Notices() {
  return html`<div class="notices" role="status" aria-live="polite">
    ${store.notices.value.map(
      ({ id, text, kind }) => html`<div key=${id} class=${`notice ${kind}`}><span>${text}</span>
        <${Button} icon="close" label="Close this message" isQuiet onPress=${() => store.unsay(id)} /></div>`,
    )}
  </div>`;
}

function Connection() {
  if (store.connection.value === "ok") return null;
  return html`<div class="connection" role="alert">${
    store.connection.value === "lost"
      ? "The editor’s server does not answer. Trying again; nothing that you did is lost."
      : "The editor was started anew. Open the address that it printed; your work is still there."
  }</div>`;
}
