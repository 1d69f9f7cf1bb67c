namespace StreamingCnn.Experiments.Ladder;

/// <summary>What a process took.</summary>
/// <param name="Seconds">By the clock.</param>
/// <param name="ProcessorSeconds">Of all its threads, up to its last line of output; other work on the machine hardly changes it.</param>
internal sealed record RungTime(double Seconds, double ProcessorSeconds);
