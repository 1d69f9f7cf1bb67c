namespace StreamingCnn.Training;

/// <summary>One image to learn from, or to be judged by.</summary>
/// <param name="Name">What to call it in messages: a path, a number.</param>
/// <param name="Label">Its class, from 0.</param>
/// <param name="Open">Opens it; called once for every step, and the source is disposed after the step.</param>
public sealed record TrainingSample(string Name, int Label, Func<IImageSource> Open);
