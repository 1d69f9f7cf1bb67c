namespace StreamingCnn.Training.Maps;

/// <summary>Views of an image whose maps of classes are averaged.</summary>
public enum MapAverage
{
    /// <summary>The image as it is, alone.</summary>
    None,

    /// <summary>Four: the image, left and right exchanged, top and bottom exchanged, and both.</summary>
    Flips,

    /// <summary>Eight: those of <see cref="Flips"/>, and each turned by a quarter.</summary>
    Turns,
}
