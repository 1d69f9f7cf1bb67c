namespace StreamingCnn.Experiments.Ladder;

/// <summary>What a process took.</summary>
/// <param name="Seconds">By the clock.</param>
/// <param name="ProcessorSeconds">Of all its threads, which other work on the machine hardly changes.</param>
internal sealed record RungTime(double Seconds, double ProcessorSeconds);
