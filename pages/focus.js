// A window that asks for a word is typed into at once: Streamlit gives the focus to the window, not to its field.
document.addEventListener("focusin", ({ target: opened }) => {
  if (!opened.matches('[role="dialog"]') || !opened.closest('[data-testid="stDialog"]')) return;
  const meet = () => {
    const field = opened.querySelector('input[type="text"]');
    field?.focus();
    return field;
  };
  if (!meet()) new MutationObserver((_, watch) => meet() && watch.disconnect()).observe(opened, { childList: true, subtree: true });
});
