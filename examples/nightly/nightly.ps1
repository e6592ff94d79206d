# A night of a suite on Windows. Change the three values, and register the task once:
#
#   Register-ScheduledTask -TaskName "harness nightly" -Xml (Get-Content windows-task.xml -Raw)
#
# Exit status: 0 PASS, WARN or no baseline yet; 1 BLOCK; 2 refused; 3 INCONCLUSIVE; 4 NOT COMPARABLE.
$Folder = "C:\evaluation"   # with suite.yaml; runs and baseline are made here
$Name = "demo"              # as `name` in the suite
$Harness = "C:\evaluation\venv\Scripts\harness.exe"

Set-Location $Folder
$env:PYTHONUTF8 = "1"
& $Harness nightly suite.yaml --baseline "baseline/$Name" --keep 60 *> "nightly.log"
$Code = $LASTEXITCODE
& $Harness prune runs --keep 60 --cache-below 20GB *>> "nightly.log"

if ($Code -ne 0) {
    $Verdict = switch ($Code) { 1 { "BLOCK" } 3 { "INCONCLUSIVE" } 4 { "NOT COMPARABLE" } default { "failed ($Code)" } }
    $Message = "nightly ${Name}: $Verdict; see $Folder\runs\$Name\nightly\summary.md"
    Write-EventLog -LogName Application -Source "Application" -EventId 1 -EntryType Warning -Message $Message
}
exit $Code
