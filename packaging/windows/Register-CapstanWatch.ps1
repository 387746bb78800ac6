# A task that ends a Capstan whose heartbeat has stopped; Assigned Access or Shell Launcher starts it again.
param([string] $Data = "$env:ProgramData\Capstan", [int] $Seconds = 60)
$ErrorActionPreference = 'Stop'
$watch = @"
`$file = Get-Item -LiteralPath '$Data\heartbeat.json' -ErrorAction SilentlyContinue
if (`$file) {
  `$beat = Get-Content -Raw -LiteralPath `$file.FullName | ConvertFrom-Json
  # Counted since the machine started, as the beat is: setting the clock ends nobody.
  `$now = [long]([System.Diagnostics.Stopwatch]::GetTimestamp() * 1000 / [System.Diagnostics.Stopwatch]::Frequency)
  if (`$now - `$beat.monotonicMs -gt $($Seconds * 1000)) { Stop-Process -Id `$beat.pid -Force }
}
"@
$encoded = [Convert]::ToBase64String([Text.Encoding]::Unicode.GetBytes($watch))
$action = New-ScheduledTaskAction -Execute 'powershell.exe' -Argument "-NoProfile -EncodedCommand $encoded"
$trigger = New-ScheduledTaskTrigger -Once -At (Get-Date) -RepetitionInterval (New-TimeSpan -Minutes 1)
Register-ScheduledTask -TaskName 'Capstan watch' -User 'SYSTEM' -Action $action -Trigger $trigger -Force | Out-Null
